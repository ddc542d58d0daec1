// Reading the interaction log back: from the file, and where that is damaged from its shadow.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "audit/line.hpp"
#include "audit/record.hpp"
#include "core/file.hpp"

namespace nexus::audit {

/// A file as far as it was written when the reading began.
struct readable_file {
  std::unique_ptr<core::file> file;  ///< null: there is none, or it cannot be opened
  std::uint64_t size = 0;
};

/// A file and its shadow: the same records, in the same order.
struct file_pair {
  readable_file primary;
  readable_file shadow;
};

/// What reading came upon.
struct read_counts {
  std::uint64_t damaged = 0;    ///< lines that are not whole, or were changed
  std::uint64_t recovered = 0;  ///< records that only the shadow has
};

/// Where a record stands.
struct place {
  bool in_shadow = false;
  std::uint64_t offset = 0;
  std::size_t length = 0;
};

class reader {
 public:
  /// `stop`: set from another thread, it ends what is being read with `closed`. Both must outlive
  /// it.
  reader(const line_codec& codec, const std::atomic<bool>& stop) : codec_(codec), stop_(stop) {}

  using visitor = std::function<void(const record&, const place&)>;
  /// Each record of the pair once: those of the primary in their order, then those that only the
  /// shadow has.
  core::result<void> read(const file_pair& files, const visitor& visit);

  /// Each line of a pair's records, newest first, that fit and that stand from `skip` on, at most
  /// `limit`, at the end of `to`; returns how many fit in all.
  core::result<std::uint64_t> find(const file_pair& files, const filter& which, std::uint64_t skip,
                                   std::size_t limit, std::vector<record>& to);

  const read_counts& counts() const noexcept { return counts_; }

 private:
  core::result<void> read_one(const readable_file& file, bool is_shadow, const visitor& visit,
                              std::uint64_t& damaged);
  core::result<record> read_at(const file_pair& files, const place& where) const;

  const line_codec& codec_;
  const std::atomic<bool>& stop_;
  read_counts counts_;
};

}  // namespace nexus::audit
