// A plugin as its author would write it: a destination that keeps lines in memory, and says back
// what it was configured with.
#include <stdexcept>

#include "destinations/plugin.hpp"

namespace dest = nexus::destinations;
using nexus::core::result;

namespace {

class parrot final : public dest::destination {
 public:
  explicit parrot(dest::settings how) : how_(std::move(how)) {}

  /// One entry delivered, the others refused with what the settings say.
  std::vector<dest::outcome> deliver(std::span<const nexus::core::entry_ptr> batch) override {
    if (how_.text("mood") == "angry") throw std::runtime_error("squawk");
    std::vector<dest::outcome> outcomes(batch.size());
    for (std::size_t i = 1; i < batch.size(); ++i) {
      outcomes[i] = {dest::outcome_kind::transient, batch[i]->payload_id + " " + described(), {}};
    }
    return outcomes;
  }
  result<void> ping() override {
    return nexus::core::error{nexus::core::errc::unreachable, how_.name};
  }

 private:
  std::string described() const {
    std::string text = how_.name + " " + std::to_string(how_.timeout.count());
    for (const auto& [name, value] : how_.values) text += " " + name + "=" + value;
    return text;
  }

  const dest::settings how_;
};

class parrot_reader final : public dest::reader {
 public:
  result<dest::query_page> find(const dest::query& what) override {
    return dest::query_page{{what.text}, false};
  }
  result<std::uint64_t> count() override { return std::uint64_t{7}; }
};

result<std::unique_ptr<dest::destination>> make_parrot(const dest::settings& how) {
  if (how.text("mood") == "raging") throw std::logic_error("cannot be made like that");
  return std::unique_ptr<dest::destination>(std::make_unique<parrot>(how));
}

std::vector<nexus::core::setting_problem> check_parrot(const nexus::core::setting_values& values) {
  if (values.at("port") == "13") return {{"port", "13 brings bad luck"}, {"", "so does all else"}};
  if (values.at("port") == "666") throw std::runtime_error("no check for that");
  return {};
}

dest::type_info parrot_type() {
  using nexus::core::setting_kind;
  dest::type_info info;
  info.make = make_parrot;
  info.make_reader = [](const dest::settings&) -> result<std::unique_ptr<dest::reader>> {
    return std::unique_ptr<dest::reader>(std::make_unique<parrot_reader>());
  };
  info.schema.keys = {
      {.name = "address", .required = true},
      {.name = "port", .kind = setting_kind::integer, .fallback = "8125", .most = 65535},
      {.name = "mood", .fallback = "calm", .choices = {"calm", "angry", "raging"}},
      {.name = "file", .kind = setting_kind::path},
  };
  info.schema.check = check_parrot;
  return info;
}

}  // namespace

NEXUS_DESTINATION_PLUGIN(parrot_type)
