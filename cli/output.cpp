#include "cli/output.hpp"

#include <cstdio>
#include <string>

#include <unistd.h>

namespace nexus::cli {

void print(std::string_view text) {
  write_out(text);
  std::fflush(stdout);
}

void write_out(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

bool finish_out() {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

int answer(std::string_view text, int status) {
  write_out(text);
  if (finish_out()) return status;
  const int failed = fail_incomplete("output");
  return status != 0 ? status : failed;
}

int fail_incomplete(std::string_view what) {
  return fail("standard output does not take everything: the " + std::string(what) +
              " is not complete");
}

int fail(std::string_view what) {
  std::fprintf(stderr, "nexus: %.*s\n", static_cast<int>(what.size()), what.data());
  return 1;
}

int fail(const core::error& reason) {
  return fail(reason.text);
}

void show_progress(std::uint64_t done, std::uint64_t total) {
  constexpr std::uint64_t mib = 1024 * 1024;
  constexpr const char* erase_line = "\r\033[K";
  if (::isatty(STDERR_FILENO) == 0) return;
  std::fputs(erase_line, stderr);
  if (done < total)
    std::fprintf(stderr, "reading the log: %llu of %llu MiB",
                 static_cast<unsigned long long>(done / mib),
                 static_cast<unsigned long long>(total / mib));
  std::fflush(stderr);
}

}  // namespace nexus::cli
