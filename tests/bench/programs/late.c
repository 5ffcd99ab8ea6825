/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked to an interpreter that is not there, which the kernel finds out when it has
 * read the file: its exec fails late. */
int main(void) {
    return 0;
}
