// SPDX-License-Identifier: LGPL-2.1-or-later
/* For load_cost: a dynamic program that does nothing. */
int main(void) {
    return 0;
}
