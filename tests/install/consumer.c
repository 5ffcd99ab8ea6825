/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program of somebody who has installed kspawn: in C, from the headers that are installed. */
#include <kspawn/spawn.h>
#include <linux/kspawn.h>
#include <stdio.h>
#include <sys/wait.h>

int main(void) {
    char* const argv[] = {"echo", "started", "from", "C", NULL};
    char* const envp[] = {NULL};
    pid_t pid = -1;
    int status = -1;
    const int error = kspawn_spawnp(&pid, "echo", NULL, NULL, argv, envp);
    if (error != 0) {
        fprintf(stderr, "%s\n", kspawn_strfailure());
        return 1;
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        return 1;
    printf("%s %s\n", KSPAWN_DEVICE, kspawn_version());
    return 0;
}
