/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void quote(FILE* out, const char* text) {
    fputs(" '", out);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    fputc('\'', out);
}

_Thread_local char* shell_command;

int shell_begin(const struct bench_request* request) {
    environ = (char**)request->envp;
    size_t size;
    FILE* out = open_memstream(&shell_command, &size);
    if (!out)
        return ENOMEM;
    fputs("exec", out);
    quote(out, request->path);
    for (char* const* argument = request->argv + 1; *argument; argument++)
        quote(out, *argument);
    return fclose(out) == 0 ? 0 : ENOMEM;
}

void shell_end(void) {
    free(shell_command);
}
