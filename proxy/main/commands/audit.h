// `sallyport audit`: verify and read the record.
#pragma once

namespace CLI {
class App;
}

namespace sallyport::commands {

/// Adds `audit verify` and `audit show`. What they find wrong ends in a CLI::RuntimeError with the exit code 1.
CLI::App* add_audit(CLI::App& parent);

}  // namespace sallyport::commands
