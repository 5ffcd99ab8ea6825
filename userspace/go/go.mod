// SPDX-License-Identifier: LGPL-2.1-or-later
module kspawn

go 1.19
