/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shell.h"

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

char* shell_command(const struct bench_request* request) {
    environ = (char**)request->envp;
    char* command = NULL;
    size_t size;
    FILE* out = open_memstream(&command, &size);
    if (!out)
        return NULL;
    fputs("exec", out);
    quote(out, request->path);
    for (char* const* argument = request->argv + 1; *argument; argument++)
        quote(out, *argument);
    if (fclose(out) != 0) {
        free(command);
        return NULL;
    }
    return command;
}
