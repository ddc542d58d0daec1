#include "wal/settle.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wal/log.hpp"

namespace nexus::wal {
namespace {

constexpr std::size_t write_bytes = 1 << 20;

/// One segment on its way from the old file to the new one.
class rewrite {
 public:
  rewrite(std::uint32_t number, catalog& known, std::mutex& guard, const options& how,
          const line_format& format)
      : number_(number), known_(known), guard_(guard), how_(how), format_(format) {}

  core::result<void> run() {
    if (auto opened = open(); !opened) return opened;
    auto done = copy();
    if (done) done = target_->sync();
    if (done) done = replace();
    if (!done)
      if (auto removed = how_.files->remove(temporary_); !removed)
        how_.log->warn(removed.reason().text);
    if (!done) return done;
    return how_.files->sync_directory(how_.directory);
  }

 private:
  /// A pending entry's line that has moved.
  struct move {
    core::entry entry;  ///< its ids only
    location from, to;
  };

  core::result<void> open() {
    {
      std::lock_guard lock(guard_);
      const auto& old = known_.at(number_);
      path_ = known_.path(old);
      old_size_ = old.size;
      drop_status_lines_ = true;
      for (const auto& [number, other] : known_.segments())
        if (number < number_ && other.unsettled > 0) drop_status_lines_ = false;
    }
    temporary_ = path_ + ".tmp";
    auto source = how_.files->open_read(path_);
    if (!source) return source.reason();
    source_ = *std::move(source);
    auto target = how_.files->create(temporary_);
    if (!target) return target.reason();
    target_ = *std::move(target);
    return {};
  }

  core::result<void> copy() {
    core::result<void> written;
    auto read = scan_segment(*source_, old_size_, format_, [&](const scanned_line& line) {
      if (!written) return;
      if (line.raw.too_long)
        written = copy_long(line.raw);
      else
        add(line);
      if (written && out_.size() >= write_bytes) written = flush();
    });
    if (!read) return read;
    if (written) written = flush();
    return written;
  }

  /// A line that is too long to be held in memory goes over piece by piece.
  core::result<void> copy_long(const raw_line& raw) {
    for (std::uint64_t done = 0; done < raw.bytes;) {
      auto start = out_.size();
      out_.resize(start +
                  static_cast<std::size_t>(std::min<std::uint64_t>(raw.bytes - done, write_bytes)));
      auto got = source_->read_at(raw.offset + done, std::span(out_).subspan(start));
      if (!got) return got.reason();
      if (*got != out_.size() - start)
        return core::error{core::errc::corrupt, path_ + " is shorter than it was"};
      done += *got;
      if (auto written = flush(); !written) return written;
    }
    out_ += '\n';
    return {};
  }

  void add(const scanned_line& line) {
    if (line.kind == line_kind::status && drop_status_lines_) return;
    if (line.kind == line_kind::status) ++status_lines_;
    if (line.is_pending()) {
      location from{number_, static_cast<std::uint32_t>(line.raw.text.size()), line.raw.offset};
      core::status now;
      {
        std::lock_guard lock(guard_);
        now = known_.resolve(line.head, from);
      }
      if (now != core::status::pending) return add_settled(line.entry(), now);
      location to{number_, from.length, flushed_ + out_.size()};
      core::entry ids;
      ids.payload_id = line.head.name.payload_id;
      ids.destination = line.head.name.destination;
      moves_.push_back({std::move(ids), from, to});
    }
    (out_ += line.raw.text) += '\n';
  }

  void add_settled(core::entry entry, core::status now) {
    entry.status = core::to_string(now);
    auto start = out_.size();
    if (auto spelled = core::append_json(out_, entry); !spelled)
      std::abort();  // it has just been parsed
    format_.finish_line(out_, start);
    if (out_.size() - start - 1 <= line_bytes_max) return;
    // The longer status word has made the line longer than the reference can read. Nobody looks at
    // the version.
    auto json =
        format_.read_line(std::string_view(out_).substr(start, out_.size() - start - 1)).json;
    auto shorter = "{" + std::string(json.substr(json.find(',') + 1));
    out_.resize(start);
    format_.append_line(out_, shorter);
  }

  core::result<void> flush() {
    std::string_view piece = out_;
    if (auto written = target_->write_at(flushed_, std::span(&piece, 1)); !written) return written;
    flushed_ += out_.size();
    out_.clear();
    return {};
  }

  /// From here on the new file is the segment. Readers take the mutex to find a line and open its
  /// file, so they see either the old places and the old file, or the new ones.
  core::result<void> replace() {
    std::lock_guard lock(guard_);
    if (auto renamed = how_.files->rename(temporary_, path_); !renamed) return renamed;
    auto& settled = known_.at(number_);
    settled.size = flushed_;
    settled.status_lines = status_lines_;
    settled.unsettled = 0;
    for (const auto& line : moves_)
      if (!known_.relocate(line.entry, line.from, line.to))
        ++settled.unsettled;  // marked while we were copying
    if (settled.unsettled == 0) settled.failed.clear();
    return {};
  }

  std::uint32_t number_;
  catalog& known_;
  std::mutex& guard_;
  const options& how_;
  const line_format& format_;
  std::string path_, temporary_;
  std::uint64_t old_size_ = 0;
  bool drop_status_lines_ = false;
  std::unique_ptr<core::file> source_, target_;
  std::string out_;
  std::uint64_t flushed_ = 0;
  std::uint64_t status_lines_ = 0;
  std::vector<move> moves_;
};

}  // namespace

bool needs_settling(const segment& which) noexcept {
  return which.unsettled > 0 || which.status_lines > 0;
}

core::result<void> settle_segment(std::uint32_t number, catalog& known, std::mutex& guard,
                                  const options& how, const line_format& format) {
  return rewrite(number, known, guard, how, format).run();
}

}  // namespace nexus::wal
