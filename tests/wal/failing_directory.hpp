// A directory for a log on a file system that fails on demand.
#pragma once

#include <filesystem>
#include <memory>

#include "tests/support/failing_files.hpp"
#include "tests/wal/log_support.hpp"

namespace nexus::test {

/// Segments of 1 MiB.
struct failing_directory {
  failing_directory() {
    std::filesystem::create_directories(dir / "wal");
    files = std::make_unique<failing_files>(dir / "wal");
    how = options_for(dir / "wal");
    how.files = files.get();
    how.max_segment_size_mb = 1;
  }
  temp_dir dir;
  std::unique_ptr<failing_files> files;
  wal::options how;
};

}  // namespace nexus::test
