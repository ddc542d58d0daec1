#include <string>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/version.hpp"

namespace nexus::cli {

int command_version() {
  print("nexus " + std::string(version) + "\n");
  return 0;
}

}  // namespace nexus::cli
