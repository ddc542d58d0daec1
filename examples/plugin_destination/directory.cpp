// A plugin: each entry becomes a file of a directory, `<payload id>.json`, complete and on the disk
// before it has that name.
#include <array>
#include <string_view>

#include <nexus/core/file.hpp>
#include <nexus/destinations/plugin.hpp>

namespace dest = nexus::destinations;
using nexus::core::error;
using nexus::core::result;

namespace {

class directory final : public dest::destination {
 public:
  directory(std::string path, std::string suffix)
      : path_(std::move(path)), suffix_(std::move(suffix)) {}

  std::vector<dest::outcome> deliver(std::span<const nexus::core::entry_ptr> batch) override {
    std::vector<dest::outcome> outcomes;
    for (const auto& entry : batch) outcomes.push_back(store(*entry));
    // "delivered" means: it survives a crash. The new names are synced once for the whole batch.
    const auto synced = files_.sync_directory(path_);
    for (auto& each : outcomes) {
      if (!synced && each.kind == dest::outcome_kind::delivered) each = away(synced.reason());
    }
    return outcomes;
  }

  result<void> ping() override {
    const auto names = files_.list(path_);
    if (names || names.reason().code == nexus::core::errc::not_found) return {};
    return error{nexus::core::errc::unreachable, names.reason().text};
  }

  result<std::vector<bool>> exists(std::span<const std::string> payload_ids) override {
    std::vector<bool> found;
    for (const auto& id : payload_ids) {
      const auto file = files_.open_read(path_of(id));
      if (!file && file.reason().code != nexus::core::errc::not_found) return file.reason();
      found.push_back(file.ok());
    }
    return found;
  }

 private:
  /// The entries wait until the directory can be written to again; none is failed for it.
  static dest::outcome away(const error& why) {
    return {dest::outcome_kind::unreachable, why.text, {}};
  }

  std::string path_of(const std::string& id) const { return path_ + "/" + id + suffix_; }

  dest::outcome store(const nexus::core::entry& entry) {
    const std::string& id = entry.payload_id;
    if (id.empty() || id.find_first_not_of("0123456789abcdef") != std::string::npos) {
      return {dest::outcome_kind::permanent, "the payload id is not fit for a file name", {}};
    }
    // Delivery is at least once. What comes again gets the same name: there is one file.
    const std::string fresh = path_of(id) + ".new";
    if (auto made = files_.make_directory(path_); !made) return away(made.reason());
    (void)files_.remove(fresh);  // what a crash may have left; `create` reports all else
    auto file = files_.create(fresh);
    if (!file) return away(file.reason());
    const std::array<std::string_view, 2> pieces{entry.payload, "\n"};
    auto done = (*file)->write_at(0, pieces);
    if (done) done = (*file)->sync();
    if (done) done = files_.rename(fresh, path_of(id));
    return done ? dest::outcome{} : away(done.reason());
  }

  nexus::core::file_system& files_ = nexus::core::posix_files();
  const std::string path_, suffix_;
};

dest::type_info directory_type() {
  dest::type_info type;
  type.make = [](const dest::settings& how) -> result<std::unique_ptr<dest::destination>> {
    return std::unique_ptr<dest::destination>(
        std::make_unique<directory>(how.text("directory"), how.text("suffix")));
  };
  type.schema.keys = {
      {.name = "directory", .kind = nexus::core::setting_kind::path, .required = true},
      {.name = "suffix", .fallback = ".json", .choices = {".json", ".txt"}},
  };
  return type;
}

}  // namespace

NEXUS_DESTINATION_PLUGIN(directory_type)
