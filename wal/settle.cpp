#include "wal/settle.hpp"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/json_text.hpp"
#include "wal/log.hpp"

namespace nexus::wal {
namespace {

constexpr std::size_t write_bytes = 1 << 20;

/// The new file is synced so often: one sync of it all would hold up those of the appends, on the
/// same disk, for as long as that takes.
constexpr std::uint64_t sync_bytes = 2 << 20;

/// One segment on its way from the old file to the new one.
class rewrite {
 public:
  rewrite(const segment& old, catalog& known, std::mutex& guard, const options& how,
          const line_format& format, damaged_lines damaged)
      : number_(old.number),
        name_(old.name),
        known_(known),
        guard_(guard),
        how_(how),
        format_(format),
        damaged_(damaged),
        decoder_(format, name_),
        encoder_(format, name_),
        path_(known.path(old)),
        temporary_(how.directory + "/wal-" + name_ + ".tmp"),
        old_size_(old.size),
        check_(old.is_own ? json_check::head : json_check::whole),
        drop_status_lines_(known.settled_before(old.number)) {}

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
  /// The line of an entry that is pending or has failed, which has moved.
  struct move {
    std::string payload_id, destination;
    location from, to;
    bool pending;
  };

  core::result<void> open() {
    auto source = how_.files->open_read(path_);
    if (!source) return source.reason();
    source_ = *std::move(source);
    auto target = how_.files->create(temporary_);
    if (!target) return target.reason();
    target_ = *std::move(target);
    encoder_.append_header(out_, core::format_timestamp(how_.clock()));
    return {};
  }

  core::result<void> copy() {
    core::result<void> written;
    const auto take = [&](const scanned_line& line) {
      if (!written) return;
      if (is_damage(line.kind) && damaged_ == damaged_lines::drop)
        add_placeholder(line);
      else if (line.raw.too_long)
        written = copy_long(line.raw);
      else
        add(line);
      if (written && out_.size() >= write_bytes) written = flush();
    };
    auto read = scan_segment(*source_, old_size_, decoder_, take, check_);
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

  /// The chain of seals counts lines, so the place of a damaged one stays visible in mode mac.
  void add_placeholder(const scanned_line& line) {
    if (!format_.signs()) return;
    auto crc =
        ::crc32_z(0, reinterpret_cast<const Bytef*>(line.raw.text.data()), line.raw.text.size());
    std::string json = R"({"version":2,"status":"QUARANTINED","timestamp":)";
    core::json::append_quoted(json, core::format_timestamp(how_.clock()));
    json += fmt::format(R"(,"entry_type":"quarantined","line_bytes":{},"crc32":"{:08x}","reason":)",
                        line.raw.bytes, crc);
    core::json::append_quoted(json, to_string(line.kind));
    encoder_.append_line(out_, json += '}');
  }

  void add(const scanned_line& line) {
    if (line.kind == line_kind::header || line.kind == line_kind::synced) return;
    if (line.kind == line_kind::status && drop_status_lines_) return;
    if (line.kind == line_kind::status) ++status_lines_;
    if (line.kind == line_kind::entry) return add_entry(line);
    add_unchanged(line);
  }

  void add_entry(const scanned_line& line) {
    const location from{number_, static_cast<std::uint32_t>(line.raw.text.size()), line.raw.offset};
    core::status now;
    std::optional<failure_note> note;
    {
      std::lock_guard lock(guard_);
      now = known_.resolve(line.head, from);
      note = known_.failure_at(from);
    }
    const bool gone = now == core::status::redriven || now == core::status::purged;
    if (gone && number_ == dead_letter_number) return;
    const auto start = out_.size();
    if (core::to_string(now) == line.head.status)
      add_unchanged(line);
    else
      add_settled(line, now, note);
    if (now != core::status::pending && now != core::status::permanent_failure) return;
    const location to{number_, static_cast<std::uint32_t>(out_.size() - start - 1),
                      flushed_ + start};
    moves_.push_back({std::string(line.head.name.payload_id),
                      std::string(line.head.name.destination), from, to,
                      now == core::status::pending});
  }

  /// Byte for byte where it is a plain line and plain lines are wanted; otherwise stored anew. A
  /// foreign line stays between its sentinels: v0.1.2 knows no types of lines, and would take a
  /// plain one for an entry to deliver.
  void add_unchanged(const scanned_line& line) {
    const bool is_readable = !is_damage(line.kind) && line.kind != line_kind::blank;
    const bool may_stay = line.is_plain() || (line.kind == line_kind::foreign && !line.encrypted);
    if (is_readable && (format_.encrypts() || !may_stay))
      encoder_.append_line(out_, line.json);
    else
      (out_ += line.raw.text) += '\n';
  }

  void add_settled(const scanned_line& line, core::status now,
                   const std::optional<failure_note>& note) {
    if (note || line.parsed || !replace_status(line, now)) {
      auto entry = entry_of(line);
      if (!entry) return add_unchanged(line);
      json_ = settled_json(*std::move(entry), now, note, format_);
    }
    encoder_.append_line(out_, json_);
  }

  /// The whole entry of a line of which perhaps only the head was read; nothing if it is none.
  std::optional<core::entry> entry_of(const scanned_line& line) const {
    if (check_ == json_check::whole || line.parsed) return line.entry();
    line_decoder decoder(format_, name_);  // what the other one has read is still in use
    const auto whole = classify(line.raw, decoder);
    if (whole.kind != line_kind::entry) return std::nullopt;
    return whole.entry();
  }

  /// A line in our own spelling differs in nothing but the word. False if it would be too long.
  bool replace_status(const scanned_line& line, core::status now) {
    const auto word = line.head.status;
    const auto before = static_cast<std::size_t>(word.data() - line.json.data());
    json_.assign(line.json.substr(0, before));
    json_ += core::to_string(now);
    json_ += line.json.substr(before + word.size());
    return format_.line_bytes(json_.size()) <= line_bytes_max;
  }

  core::result<void> flush() {
    std::string_view piece = out_;
    if (auto written = target_->write_at(flushed_, std::span(&piece, 1)); !written) return written;
    flushed_ += out_.size();
    out_.clear();
    if (flushed_ < synced_ + sync_bytes) return {};
    synced_ = flushed_;
    return target_->sync();
  }

  /// From here on the new file is the segment. Readers take the mutex to find a line and open its
  /// file, so they see either the old places and the old file, or the new ones.
  core::result<void> replace() {
    std::lock_guard lock(guard_);
    if (auto renamed = how_.files->rename(temporary_, path_); !renamed) return renamed;
    auto& settled = known_.at(number_);
    const auto before = std::exchange(settled.exceptions, {});
    settled.size = flushed_;
    settled.status_lines = status_lines_;
    settled.unsettled = 0;
    settled.wrapped = 0;
    settled.key_id = format_.encrypts() ? format_.keys().current_id() : "";
    for (const auto& line : moves_) {
      core::entry name;
      name.payload_id = line.payload_id;
      name.destination = line.destination;
      const bool known = known_.relocate(name, line.from, line.to);
      // Marked while we were copying: the new line does not say so yet. A failure that is not known
      // has a copy in the dead-letter file, which stands for both.
      const auto exception = before.find(line.from.offset);
      const bool has_exception = exception != before.end();
      const bool marked =
          line.pending ? !known || has_exception
                       : has_exception && exception->second.is != core::status::permanent_failure;
      if (!marked) continue;
      ++settled.unsettled;
      if (has_exception) settled.exceptions[line.to.offset] = exception->second;
    }
    return {};
  }

  const std::uint32_t number_;
  const std::string name_;
  catalog& known_;
  std::mutex& guard_;
  const options& how_;
  const line_format& format_;
  const damaged_lines damaged_;
  line_decoder decoder_;
  line_encoder encoder_;
  const std::string path_, temporary_;
  const std::uint64_t old_size_;
  const json_check check_;
  const bool drop_status_lines_;
  std::unique_ptr<core::file> source_, target_;
  std::string json_;  ///< of a line that changes; keeps its memory
  std::string out_;
  std::uint64_t flushed_ = 0;
  std::uint64_t synced_ = 0;
  std::uint64_t status_lines_ = 0;
  std::vector<move> moves_;
};

std::string json_of(const core::entry& entry) {
  std::string json;
  if (auto spelled = core::append_json(json, entry); !spelled)
    std::abort();  // it has just been parsed
  return json;
}

}  // namespace

std::string settled_json(core::entry entry, core::status now,
                         const std::optional<failure_note>& note, const line_format& format) {
  entry.status = core::to_string(now);
  auto noted = entry;
  if (note) add_failure_note(noted, *note);
  auto is_short = [&](const std::string& json) {
    return format.line_bytes(json.size()) <= line_bytes_max;
  };
  if (auto json = json_of(noted); is_short(json)) return json;
  // Without the note it is a few bytes longer than it was; where even that is too much the version
  // goes, which nobody looks at.
  auto json = json_of(entry);
  return is_short(json) ? json : "{" + json.substr(json.find(',') + 1);
}

bool needs_settling(const segment& which) noexcept {
  return which.unsettled > 0 || which.status_lines > 0 || which.wrapped > 0;
}

bool has_current_key(const segment& which, const line_format& format) noexcept {
  return which.key_id == (format.encrypts() ? format.keys().current_id() : std::string_view{});
}

core::result<void> settle_segment(std::uint32_t number, catalog& known, std::mutex& guard,
                                  const options& how, const line_format& format,
                                  damaged_lines damaged) {
  std::unique_lock lock(guard);
  rewrite job(known.at(number), known, guard, how, format, damaged);
  lock.unlock();
  return job.run();
}

}  // namespace nexus::wal
