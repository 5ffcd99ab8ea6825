// SPDX-License-Identifier: LGPL-2.1-or-later
/// `kspawn-trace report`: one self-contained HTML page from a JSON trace.
#ifndef KSPAWN_TRACE_REPORT_HPP
#define KSPAWN_TRACE_REPORT_HPP

namespace kspawn::trace::report {

/// @param argc,argv of the subcommand; argv[0] is what help calls it.
/// @return exit status: 0 if the page was written, 1 if the trace could not be
///     read or the page not be written, 125 if called wrongly.
int run(int argc, char** argv);

} // namespace kspawn::trace::report

#endif
