/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Can programs be started through the kernel here, and if not, why not.
 *
 * Since kspawn 0.1; of this library only.
 */
#ifndef KSPAWN_SUPPORT_H
#define KSPAWN_SUPPORT_H

#include <stddef.h>

#include <kspawn/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The findings of kspawn_query().  Later versions may add members at the end.
 *
 * All that comes from the module is 0 if it could not be asked.
 */
struct kspawn_support {
    /**
     * 0: programs can be started.  Otherwise why not:
     *   - ENOENT, ENODEV, ENXIO: there is no device; the module is not loaded
     *   - EACCES, EPERM: the device may not be opened by this process
     *   - EPERM, with step KSPAWN_STEP_POLICY: the caller is refused, as it runs under
     *     seccomp or may use I/O ports (ioperm(2), iopl(2))
     *   - EPROTO: the device answers, but speaks another ABI
     *   - any other error of open(2) or ioctl(2)
     */
    int error;
    /** KSPAWN_STEP_NONE, KSPAWN_STEP_DEVICE or KSPAWN_STEP_POLICY. */
    unsigned int step;
    /** The version of the ABI that this library speaks. */
    unsigned int library_abi;
    /** The version of the ABI that library and module speak with each other; 0: none, or
     *  the module could not be asked. */
    unsigned int module_abi;
    /** The attribute flags KSPAWN_SPAWN_* that the module knows. */
    unsigned int attr_flags;
    /** The greatest number of file actions in one start. */
    unsigned int actions_max;
    /** `error` in words, static; "" if it is 0. */
    const char* reason;
    /** The device's name, static. */
    const char* device;
    /** The flags KSPAWN_BATCH_* of <kspawn/batch.h> that the module knows; 0: it makes no
     *  batches.  Since kspawn 0.2. */
    unsigned int batch_flags;
};

/**
 * Find out whether programs can be started.
 *
 * It asks the device, so that the answer is that of this moment and of the
 * calling thread.  The device is opened if it was not.  The last question is a start
 * without a program, which the module counts as one that has failed.
 *
 * @param[out] support where to put what was found
 * @param[in]  size    sizeof(struct kspawn_support), as the caller knows it
 * @return 0 if that was found out, whatever the answer; or
 *   - EINVAL: support is NULL or size is smaller than any version's
 */
KSPAWN_API int kspawn_query(struct kspawn_support* support, size_t size) KSPAWN_NOEXCEPT;

/**
 * kspawn_query() in one bit.
 *
 * @return 1 if programs can be started, 0 if not
 */
KSPAWN_API int kspawn_available(void) KSPAWN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* KSPAWN_SUPPORT_H */
