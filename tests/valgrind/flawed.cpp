// Does what valgrind must notice: `leak` loses a block, `overrun` reads behind one. Nothing else.
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

// Out of the optimiser's sight.
char* volatile block = nullptr;

}  // namespace

int main(int argc, char** argv) {
  const std::string_view flaw = argc > 1 ? argv[1] : "";
  block = static_cast<char*>(std::malloc(100));
  if (block == nullptr) return 1;
  std::memset(block, 0, 100);
  const bool overrun = flaw == "overrun" && block[100] != 0;
  if (flaw != "leak") std::free(block);
  block = nullptr;
  return overrun ? 2 : 0;
}
