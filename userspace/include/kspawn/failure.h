/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Which step of a start failed, as numbers and in words.
 *
 * An error number alone does not tell whether ENOENT is about the program, its
 * working directory or the fifth file to open.  Each thread remembers its last
 * failed start.  To ask does not change what is remembered, nor does a start that
 * succeeds: like errno, it is worth asking only after a failure.
 *
 * Since kspawn 0.1; of this library only.
 */
#ifndef KSPAWN_FAILURE_H
#define KSPAWN_FAILURE_H

#include <stddef.h>

#include <kspawn/base.h>
#include <kspawn/uapi.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @name Steps of a start
 *
 * They are those of <kspawn/uapi.h>, KSPAWN_STEP_*, in the order of a start's way; only
 * the argument and environment lists (of KSPAWN_STEP_COPY) may be read as late as the
 * program is executed.  At KSPAWN_STEP_COPY the index is KSPAWN_ARG_*, at
 * KSPAWN_STEP_ATTRIBUTE the flag KSPAWN_SPAWN_*, at KSPAWN_STEP_ACTION the number of
 * the file action, from 0.  At KSPAWN_STEP_WAIT there is a child, and so there is one after a
 * failure of kspawn_builder_apply_np() or kspawn_builder_start_np().  At KSPAWN_STEP_BATCH
 * the index is the flag KSPAWN_BATCH_*.  The library has three steps more.
 */
/**@{*/
/** The device /dev/kspawn could not be used; index: why.  kspawn_query() tells more. */
#define KSPAWN_STEP_DEVICE 256
/**
 * libc's posix_spawn() failed (see <kspawn/backend.h>).  It tells no step.  Where
 * only one can have had such an error, as files and descriptors are just after
 * the failure, that one is named instead of this.  Where several can,
 * kspawn_strfailure() names them, or the first three.
 */
#define KSPAWN_STEP_LIBC 257
/** kspawn_capture_np() itself failed; index: KSPAWN_CAPTURE_* of <kspawn/capture.h>. */
#define KSPAWN_STEP_CAPTURE 258
/**@}*/

/** A failed start.  Later versions may add members at the end. */
struct kspawn_failure {
    int error;          /**< the error number that the call returned */
    unsigned int step;  /**< KSPAWN_STEP_* */
    unsigned int index; /**< which part of that step, as said there; 0 otherwise */
};

/** Bytes, with the NUL, of the longest words kspawn_strfailure() makes. */
#define KSPAWN_FAILURE_WORDS_MAX 1024

/**
 * The last start that failed in the calling thread, through any of the functions of
 * <kspawn/spawn.h>, <kspawn/spawn_async.h> and <kspawn/spawn_wait.h> that start a program,
 * of <kspawn/builder.h>, <kspawn/batch.h> and <kspawn/capture.h>, or
 * kspawn_completion_open_np().
 *
 * @return NULL if there was none.  The object belongs to the library; it
 * changes with the next failure of this thread and goes with the thread
 */
KSPAWN_API const struct kspawn_failure* kspawn_last_failure(void) KSPAWN_NOEXCEPT;

/**
 * kspawn_last_failure() in words, such as
 *
 *     file action 2: open /x/y: No such file or directory
 *     attribute SETPGROUP (4711): Operation not permitted
 *     search nope in /usr/bin:/bin: No such file or directory
 *     clone, or exec /bin/true: Resource temporarily unavailable (libc does not tell which)
 *     start 1: exec /bin/nope: No such file or directory
 *
 * They are in English, with file actions and the starts of a batch counted from 0, and do
 * not depend
 * on any object that was given to the call still being there.  Long names are
 * shortened in their middle, to fit KSPAWN_FAILURE_WORDS_MAX.
 *
 * @return a string, empty if no start has failed in this thread.  It belongs
 * to the library; it changes with the next failure of this thread and goes with
 * the thread
 */
KSPAWN_API const char* kspawn_strfailure(void) KSPAWN_NOEXCEPT;

/** A failure in words, in the parts of which kspawn_strfailure() makes its sentence. */
struct kspawn_words {
    const char* subject; /**< the step, or the steps: "file action 2: open /x/y" */
    const char* error;   /**< the error in words: "No such file or directory".  At
                              KSPAWN_STEP_DEVICE that of the device, kspawn_failure::index */
    const char* remark;  /**< with a blank before it, " (libc does not tell which)"; or "" */
};

/**
 * kspawn_last_failure() in words, part by part, for a caller who has a subject of his own:
 * the option for which he has added the file action, say.
 *
 * kspawn_strfailure() is the subject, ": ", the error and the remark.
 *
 * @return NULL if no start has failed in this thread.  The object and its strings belong to
 * the library; they change with the next failure of this thread and go with the thread
 *
 * Since kspawn 0.2.
 */
KSPAWN_API const struct kspawn_words* kspawn_failure_words(void) KSPAWN_NOEXCEPT;

/**
 * kspawn_strfailure() into the caller's memory.
 *
 * @param[out] buffer where to put the words, always with a NUL if size is not 0
 * @param[in]  size   of buffer in bytes; KSPAWN_FAILURE_WORDS_MAX is enough
 * @return 0; ERANGE: it did not fit and was cut (as strerror_r())
 */
KSPAWN_API int kspawn_strfailure_r(char* buffer, size_t size) KSPAWN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_FAILURE_H */
