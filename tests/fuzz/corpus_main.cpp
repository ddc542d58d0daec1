// Hands each file of the folders that are named to the target: what CTest runs, without libFuzzer.
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include "tests/fuzz/fuzz.hpp"
#include "tests/support/temp_dir.hpp"

int main(int count, char** arguments) {
  std::uint64_t files = 0;
  for (int i = 1; i < count; ++i) {
    if (!std::filesystem::is_directory(arguments[i])) continue;  // nothing was found yet
    for (const auto& one : std::filesystem::directory_iterator(arguments[i])) {
      std::printf("%s\n", one.path().c_str());
      std::fflush(stdout);  // the last line names what fails
      nexus::fuzz::run(nexus::test::read_file(one.path().string()));
      ++files;
    }
  }
  if (files == 0) std::printf("no file in the folders that were named\n");
  return files == 0 ? 1 : 0;
}
