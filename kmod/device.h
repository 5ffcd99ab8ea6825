/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/kspawn: what can be asked of the module, and by whom. */
#ifndef KSPAWN_DEVICE_H
#define KSPAWN_DEVICE_H

int kspawn_device_register(void);
void kspawn_device_unregister(void);

#endif /* KSPAWN_DEVICE_H */
