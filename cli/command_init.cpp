#include "cli/commands.hpp"
#include "cli/home.hpp"
#include "cli/output.hpp"
#include "config/scaffold.hpp"

namespace nexus::cli {

int command_init(const init_options& how) {
  const auto home = home_directory(how.home);
  if (!home) return fail(home.reason());
  const auto made = config::write_scaffold(*home, how.force, how.mode);
  if (!made) return fail(made.reason());
  std::string text = "Nexus is ready in " + *home + "\n";
  for (const auto& path : made->files) text += "  " + path + "\n";
  text += "\nNext:\n  nexus start --banner";
  if (!how.home.empty()) text += " --home " + *home;
  text +=
      "\nstarts the server and prints a first request to try. The keys are in the files above.\n";
  if (!made->certificate.empty())
    text +=
        "\nIt speaks TLS with a certificate of its own, which clients must be given:\n  curl "
        "--cacert " +
        made->certificate + " …\n";
  print(text);
  return 0;
}

}  // namespace nexus::cli
