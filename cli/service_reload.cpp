// What a running server does when its configuration is read again.
#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/config_changes.hpp"
#include "cli/paused.hpp"
#include "cli/service.hpp"
#include "cli/wire.hpp"
#include "config/reference.hpp"

namespace nexus::cli {
namespace {

using std::chrono::milliseconds;

/// Once files have not changed for so long they are read again.
constexpr milliseconds quiet{500};

/// How long a destination that is taken out or changed may take to end what is on its way.
constexpr milliseconds retire_time_max{10'000};

/// Files that the configuration only names.
std::vector<std::string> files_of(const config::tls_config& tls) {
  std::vector<std::string> files;
  if (!tls.enabled) return files;
  for (const auto& file : {tls.cert_file, tls.key_file, tls.client_ca_file})
    if (!file.empty()) files.push_back(file);
  return files;
}

std::size_t hash_of(const config::tls_config& tls) {
  std::string contents;
  for (const auto& file : files_of(tls))
    if (const auto text = config::read_text_file(file)) contents += *text;
  return std::hash<std::string>()(contents);
}

void note_unclaimed(const actors::pipeline_status& status, ingest::reload_report& in) {
  for (const auto& waiting : status.unclaimed)
    in.notes.push_back(
        std::to_string(waiting.entries) +
        (waiting.destination.empty()
             ? " entries name no destination: they are delivered once there is one"
             : " entries wait for destination " + waiting.destination +
                   ", which is not configured: they are delivered once it is there again"));
}

}  // namespace

void service::start_reloader(std::function<core::result<config::loaded>()> load) {
  certificates_ = hash_of(settings_->tls);
  reloader_ = std::make_unique<reloader>(
      reloader::steps{std::move(load),
                      [this](config::loaded fresh) { return apply(std::move(fresh)); }},
      log_);
}

void service::reload() {
  reloader_->request(reloader::trigger::request, {});
}

void service::start_watch() {
  const auto now = settings();
  if (!now->watch_files) return;
  auto started = config_watch::start(
      now->home, files_of(now->tls), quiet,
      [this] { reloader_->request(reloader::trigger::files, {}); }, log_);
  if (started) {
    const std::lock_guard lock(settings_mutex_);  // it may have asked for a reload already
    watch_ = *std::move(started);
  } else {
    log_->warn("configuration files are not watched, SIGHUP and POST /api/reload work: " +
               started.reason().text);
  }
}

std::shared_ptr<const config::config> service::settings() const {
  const std::lock_guard lock(settings_mutex_);
  return settings_;
}

core::result<ingest::reload_report> service::apply(config::loaded fresh) {
  const auto now = settings();
  if (auto well = check_destinations(*now, fresh); !well) return well.reason();
  auto report = compare(*now, fresh.settings);
  const auto next =
      std::make_shared<const config::config>(take_over(*now, std::move(fresh.settings)));
  const auto paused = read_paused(core::posix_files(), now->home);
  if (!paused) return paused.reason();
  // Before they are read: what changes in between is seen by the next reload.
  const auto certificates_hash = hash_of(next->tls);
  auto certificates = load_certificates(now->tls, next->tls);
  if (!certificates) return certificates.reason();
  auto how = pipeline_options(*next, types_, log_);
  for (auto& one : how.destinations) one.paused = paused->contains(one.settings.name);
  if (auto done = pipeline_->reconfigure(
          std::move(how.destinations), std::min(retire_time_max, milliseconds(now->drain_timeout)));
      !done)
    return done.reason();
  // From here on nothing fails. Destinations come before the sources that write to them.
  pipeline_->set_pending_limits(how.pending_entries_max, how.pending_bytes_max);
  queries_->replace(destination_settings(*next));
  std::vector<std::string> names;
  for (const auto& one : next->destinations) names.push_back(one.name);
  consistency_->replace(std::move(names));
  door_->apply(next);
  const bool has_others = std::exchange(certificates_, certificates_hash) != certificates_hash;
  // Open connections pay for it, so only where it makes a difference.
  if (*certificates && (has_others || now->tls != next->tls))
    server_->use_tls(*std::move(certificates));
  log_->set_level(log_level(*next));
  {
    const std::lock_guard lock(settings_mutex_);
    settings_ = next;
    if (watch_) watch_->also(files_of(next->tls));
  }
  for (const auto& one : fresh.findings) log_->warn(config::to_string(one));
  if (has_others && next->tls.enabled)
    report.changes.emplace_back("daemon.tls: the certificates are others");
  note_unclaimed(pipeline_->status(), report);
  record_reload(report);
  return report;
}

/// Null where there are none, or nothing can be done about it without a new start.
core::result<http::tls_context> service::load_certificates(const config::tls_config& now,
                                                           const config::tls_config& next) const {
  if (!now.enabled || !next.enabled) return http::tls_context();
  return server_->load_tls(tls_options(next));
}

void service::record_reload(const ingest::reload_report& report) {
  if (report.changes.empty()) return;
  ingest::security_event event;
  event.event_type = ingest::security_event_type::config_reloaded;
  std::string all;
  for (const auto& one : report.changes) all += (all.empty() ? "" : "; ") + one;
  event.details.emplace_back("changes", std::move(all));
  security_->record(std::move(event));
}

}  // namespace nexus::cli
