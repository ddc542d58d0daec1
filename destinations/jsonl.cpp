#include "destinations/jsonl.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "core/json_text.hpp"
#include "core/path.hpp"
#include "destinations/jsonl_file.hpp"
#include "destinations/jsonl_output.hpp"
#include "destinations/os_outcome.hpp"

namespace nexus::destinations {
namespace {

constexpr std::string_view standard_output = "-";
constexpr std::int64_t rotate_mb_most = 1'000'000;
constexpr std::int64_t keep_files_most = 1'000'000;

core::result<std::string> line_of(const core::entry& entry, jsonl_line what) {
  std::string line;
  if (what == jsonl_line::entry) {
    if (auto spelled = core::append_json(line, entry); !spelled) return spelled.reason();
  } else {
    if (auto valid = core::json::validate(entry.payload); !valid) return valid.reason();
    core::json::append_compact(line, entry.payload);
  }
  line += '\n';
  return line;
}

/// The lines of a batch, and where in the batch each stands. Entries without a line are refused.
struct batch_lines {
  std::vector<jsonl_text> texts;
  std::vector<std::size_t> places;
  std::vector<outcome> outcomes;
};

batch_lines lines_of(std::span<const core::entry_ptr> batch, jsonl_line what) {
  batch_lines made;
  made.outcomes.resize(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto line = line_of(*batch[i], what);
    if (line) {
      made.texts.push_back({batch[i]->payload_id, *std::move(line)});
      made.places.push_back(i);
    } else {
      made.outcomes[i] = {outcome_kind::permanent, std::move(line).reason().text, {}};
    }
  }
  return made;
}

class file_destination final : public destination {
 public:
  file_destination(jsonl_options how, std::shared_ptr<jsonl_file> file)
      : how_(std::move(how)), file_(std::move(file)) {}

  std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) override {
    auto lines = lines_of(batch, how_.line);
    if (auto written = file_->append(lines.texts, how_); !written) {
      for (const auto place : lines.places) lines.outcomes[place] = outcome_of(written.reason());
    }
    return std::move(lines.outcomes);
  }

  core::result<void> ping() override {
    auto usable = file_->ping();
    return usable ? usable : ping_error(usable.reason());
  }

  core::result<std::vector<bool>> exists(std::span<const std::string> payload_ids) override {
    auto found = file_->exists(payload_ids, how_.timeout);
    if (!found) return ping_error(found.reason());
    return found;
  }

 private:
  const jsonl_options how_;
  const std::shared_ptr<jsonl_file> file_;
};

class output_destination final : public destination {
 public:
  explicit output_destination(jsonl_options how) : how_(std::move(how)) {}

  std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) override {
    auto lines = lines_of(batch, how_.line);
    std::vector<std::string_view> texts;
    for (const auto& each : lines.texts) texts.push_back(each.line);
    const auto progress = write_to_output(texts, how_.timeout);
    for (std::size_t i = progress.lines; i < texts.size(); ++i) {
      lines.outcomes[lines.places[i]] = {
          outcome_kind::unreachable, progress.state.reason().text, {}};
    }
    return std::move(lines.outcomes);
  }

  core::result<void> ping() override { return check_output(); }

 private:
  const jsonl_options how_;
};

/// One for each path in this process: two that write to one file would write over each other.
std::shared_ptr<jsonl_file> shared_file(const std::string& path, core::file_system& files) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<jsonl_file>> opened;
  const std::lock_guard lock(mutex);
  std::erase_if(opened, [](const auto& each) { return each.second.expired(); });
  auto file = opened[path].lock();
  if (!file) opened[path] = file = std::make_shared<jsonl_file>(path, files);
  return file;
}

core::result<std::string> place_of(const std::string& path) {
  if (path == standard_output) return path;
  if (path.empty()) return core::error{core::errc::bad_config, "path is not set"};
  if (path.ends_with('/')) {
    return core::error{core::errc::bad_config, "path names a directory, it must be a file"};
  }
  return core::absolute_path(path);
}

core::result<std::unique_ptr<destination>> make(const settings& from) {
  auto path = place_of(from.text("path"));
  if (!path) {
    return core::error{core::errc::bad_config,
                       "destination " + from.name + ": " + path.reason().text};
  }
  jsonl_options how;
  how.path = *std::move(path);
  how.rotate_bytes = static_cast<std::uint64_t>(from.number("rotate_mb")) * 1'000'000;
  how.keep_files = static_cast<std::size_t>(from.number("keep_files"));
  how.line = from.text("line") == "entry" ? jsonl_line::entry : jsonl_line::payload;
  how.sync = from.flag("sync");
  how.timeout = from.timeout;
  return make_jsonl(how);
}

std::vector<core::setting_problem> check(const core::setting_values& values) {
  const auto path = place_of(values.at("path"));
  if (path) return {};
  return {{"path", path.reason().text}};
}

}  // namespace

std::unique_ptr<destination> make_jsonl(const jsonl_options& options, core::file_system& files) {
  if (options.path == standard_output) return std::make_unique<output_destination>(options);
  return std::make_unique<file_destination>(options, shared_file(options.path, files));
}

type_info jsonl_type() {
  using core::setting_kind;
  type_info info;
  info.make = make;
  info.schema.keys = {
      // Not a path for the loader, which would make a file of "-".
      {.name = "path", .required = true},
      {.name = "rotate_mb",
       .kind = setting_kind::integer,
       .fallback = "100",
       .most = rotate_mb_most},
      {.name = "keep_files",
       .kind = setting_kind::integer,
       .fallback = "0",
       .most = keep_files_most},
      {.name = "line", .fallback = "payload", .choices = {"payload", "entry"}},
      {.name = "sync", .kind = setting_kind::boolean, .fallback = "true"},
  };
  info.schema.check = check;
  info.workers_default = 1;
  info.in_order = true;
  return info;
}

}  // namespace nexus::destinations
