// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && !go1.21

package kspawn

// Only the last releases of these versions give the children the original limit of descriptors.
const restoresLimit = false
