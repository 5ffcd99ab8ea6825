// SPDX-License-Identifier: LGPL-2.1-or-later

//go:build linux && go1.21

package kspawn

// The children of os.StartProcess have the original limit of descriptors.
const restoresLimit = true
