// The subcommands of `sallyport`. One function each, in the file of that name; sallyport.cc lists them.
//
// A command ends normally for status 0, and with `throw CLI::RuntimeError(status)` for any other. The statuses are the
// same for all: 0 good, 1 something is wrong and has been said on standard error, 2 it could not be tried,
// 3 (policy replay) something newly crosses.
#pragma once

#include <CLI/CLI.hpp>

namespace sallyport::commands {

CLI::App* add_audit(CLI::App& parent);
CLI::App* add_certs(CLI::App& parent);
CLI::App* add_check(CLI::App& parent);
CLI::App* add_label(CLI::App& parent);
CLI::App* add_ledger(CLI::App& parent);
CLI::App* add_policy(CLI::App& parent);
CLI::App* add_reload(CLI::App& parent);
CLI::App* add_run(CLI::App& parent);
CLI::App* add_status(CLI::App& parent);
CLI::App* add_version(CLI::App& parent);

}  // namespace sallyport::commands
