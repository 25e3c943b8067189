// The one command of operators, officers and auditors. What it does is in commands/.
#include "proxy/main/commands/commands.h"

namespace commands = sallyport::commands;

int main(int argc, char** argv) {
  CLI::App app{"Sallyport, a boundary guard for XMPP", "sallyport"};
  app.require_subcommand(1);
  app.get_formatter()->column_width(28);
  for (const auto add :
       {commands::add_audit, commands::add_certs, commands::add_check, commands::add_label, commands::add_ledger,
        commands::add_run, commands::add_policy, commands::add_reload, commands::add_status, commands::add_version}) {
    add(app);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    const int status = app.exit(end);
    // CLI11's own codes for a wrong command line start at 100.
    return status >= 100 ? 2 : status;
  }
  return 0;
}
