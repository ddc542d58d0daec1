#include "cli/service.hpp"

#include <algorithm>
#include <span>
#include <thread>
#include <utility>

#include "cli/fetch.hpp"
#include "cli/paused.hpp"
#include "cli/version.hpp"
#include "cli/wire.hpp"
#include "config/lint.hpp"
#include "ingest/fanout.hpp"

namespace nexus::cli {
namespace {

constexpr std::size_t log_jobs_max = 16;
constexpr std::size_t lint_jobs_max = 16;
constexpr std::size_t switch_jobs_max = 64;
constexpr std::chrono::seconds switch_time_max{2};
constexpr std::size_t fetches_max = 4;

/// Every line that was changed, and every seal, is a security event.
void record_tampering(wal::options& of, const ingest::security_log_ptr& security) {
  of.on_security_event = [security, also = of.on_security_event](const wal::security_event& found) {
    also(found);
    ingest::security_event event;
    event.event_type = found.type;
    event.details = {{"segment_file", found.segment_file},
                     {"line_number", static_cast<std::int64_t>(found.line_number)}};
    security->record(std::move(event));
  };
}
/// Of a stop's budget: a sink that hangs does not hold the program up for all of it.
constexpr std::chrono::milliseconds events_stop_max{5'000};

core::result<ingest::dead_letter_page> look_at_dead_letters(
    actors::pipeline& at, const ingest::dead_letter_choice& which) {
  ingest::dead_letter_page page;
  auto read = at.dead_letters(to_filter(which), [&](const wal::dead_letter& one) {
    ++page.total;
    if (page.letters.size() >= which.limit) return;
    page.letters.push_back(to_dead_letter(one));
    if (!which.with_payloads) page.letters.back().entry.payload.clear();
  });
  if (!read) return read.reason();
  return page;
}

void count_findings(core::metrics& metrics, const std::vector<config::finding>& found) {
  metrics
      .get_gauge("bubblefish_config_lint_warnings",
                 "What `nexus lint --offline` found in the configuration when it was last asked.")
      .set(static_cast<double>(found.size()));
}

/// What is left until then; nothing less than nothing.
std::chrono::milliseconds until(std::chrono::steady_clock::time_point deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                  std::chrono::milliseconds(0));
}

}  // namespace

service::service(std::shared_ptr<const config::config> settings,
                 const destinations::registry& types, core::logger_ptr log)
    : settings_(std::move(settings)), types_(types), log_(std::move(log)) {}

core::result<std::unique_ptr<service>> service::start(
    std::shared_ptr<const config::config> settings, const destinations::registry& types,
    core::logger_ptr log, std::function<void()> on_shutdown,
    std::function<core::result<config::loaded>()> load) {
  std::unique_ptr<service> made(new service(std::move(settings), types, std::move(log)));
  made->start_reloader(std::move(load));
  if (auto running = made->run(types, std::move(on_shutdown)); !running) return running.reason();
  return made;
}

core::result<void> service::run(const destinations::registry& types,
                                std::function<void()> on_shutdown) {
  if (auto opened = open_security_log(); !opened) return opened;
  fetches_ = std::make_unique<job_thread>(fetches_max, "fetches");
  ingest::door_options how;
  how.version = version;
  how.idempotency_keys_max = static_cast<std::size_t>(settings_->idempotency_keys_max);
  how.security = security_;
  door_ = std::make_unique<ingest::door>(settings_, make_ports(std::move(on_shutdown)), log_,
                                         metrics_, how);
  if (auto started = start_side_effects(); !started) return started;
  // As early as can be, so that it can be seen from outside that the program is starting.
  if (auto listening = start_server(); !listening) return listening;
  if (auto started = start_pipeline(types); !started) return started;
  queries_ = std::make_unique<query_thread>(destination_settings(*settings_), types, log_);
  log_jobs_ = std::make_unique<job_thread>(log_jobs_max, "requests that read the log");
  lints_ = std::make_unique<job_thread>(lint_jobs_max, "requests for advice");
  switches_ = std::make_unique<job_thread>(switch_jobs_max, "requests to pause or resume");
  start_consistency();
  watchdog_options look_after;
  look_after.directory = settings_->wal.path;
  look_after.interval = settings_->watchdog_interval;
  look_after.free_bytes_min = static_cast<std::uint64_t>(settings_->watchdog_disk_bytes_min);
  watchdog_ = std::make_unique<watchdog>(look_after, core::posix_files(), log_, metrics_);
  publish_health();
  lints_->run([this, known = type_table(types_)](const core::result<void>& may_run) {
    if (may_run) count_findings(metrics_, config::lint(settings()->home, known));
  });
  start_watch();
  door_->enter(ingest::door_phase::serving);
  return {};
}

core::result<void> service::start_side_effects() {
  if (settings_->audit.enabled) {
    auto opened = audit::interaction_log::open(audit_options(settings_->audit), core::posix_files(),
                                               log_, metrics_);
    if (!opened) return opened.reason();
    interactions_ = std::move(*opened);
    interaction_jobs_ =
        std::make_unique<job_thread>(log_jobs_max, "requests that read the interaction log");
  }
  if (settings_->events.enabled)
    events_ =
        std::make_unique<outgoing::event_sender>(event_options(settings_->events), log_, metrics_);
  if (settings_->embedding.enabled)
    embedder_ = std::make_unique<outgoing::embedder>(embedder_options(settings_->embedding), log_,
                                                     metrics_);
  return {};
}

core::result<void> service::start_pipeline(const destinations::registry& types) {
  auto how = pipeline_options(*settings_, types, log_);
  record_tampering(how.wal, security_);
  const auto paused = read_paused(core::posix_files(), settings_->home);
  if (!paused) return paused.reason();
  for (auto& one : how.destinations) one.paused = paused->contains(one.settings.name);
  if (const auto since = door_->restore_since()) {
    how.recent_since = *since;
    how.on_recent = [this, writes = ingest::whole_writes()](const core::entry& value) mutable {
      if (writes.add(value)) door_->restore(value);
    };
  }
  auto started = actors::pipeline::start(std::move(how), types, log_, metrics_);
  if (!started) return started.reason();
  pipeline_ = std::move(*started);
  return {};
}

core::result<void> service::start_server() {
  auto started = http::server::start(server_options(*settings_), *door_, log_, metrics_);
  if (!started) return started.reason();
  server_ = std::move(*started);
  return {};
}

core::result<void> service::open_security_log() {
  const auto& from = settings_->security_events;
  security_ = ingest::make_memory_security_log();
  if (!from.enabled) return {};
  ingest::security_log_options how;
  how.file = from.log_file;
  how.file_bytes_max = static_cast<std::uint64_t>(from.max_file_size_mb) * 1024 * 1024;
  how.files_max = static_cast<std::size_t>(from.max_files);
  auto opened = ingest::open_security_log(how, core::posix_files(), log_, metrics_);
  if (!opened) return opened.reason();
  security_ = std::move(*opened);
  return {};
}

ingest::ports service::make_ports(std::function<void()> on_shutdown) {
  ingest::ports ports;
  ports.append = [this](std::vector<core::entry_ptr> values, ingest::append_done done,
                        std::optional<core::confirmation> wanted) {
    if (events_) done = with_events(values, std::move(done));
    pipeline_->append(std::move(values), std::move(done), std::move(wanted));
  };
  ports.append_batch = [this](std::vector<std::vector<core::entry_ptr>> writes,
                              ingest::batch_done done, std::vector<core::confirmation> wanted) {
    if (events_) done = with_events(writes, std::move(done));
    pipeline_->append_batch(std::move(writes), std::move(done), std::move(wanted));
  };
  ports.keys_wait = [this](const std::string& source, const std::vector<std::string>& destinations,
                           std::span<const std::string> keys) {
    return pipeline_->keys_wait(source, destinations, keys);
  };
  ports.find = [this](destinations::query what, ingest::query_done done) {
    queries_->find(std::move(what), std::move(done));
  };
  if (settings_->embedding.enabled)
    ports.embed = [this](std::string_view content, ingest::embed_done done) {
      embedder_->embed(content, std::move(done));
    };
  if (settings_->audit.enabled) add_interaction_ports(ports);
  add_dead_letter_ports(ports);
  add_switch_ports(ports);
  add_lint_port(ports);
  ports.check_consistency = [this](ingest::consistency_choice what, ingest::consistency_done done) {
    log_jobs_->run(
        [this, what = std::move(what), done = std::move(done)](const core::result<void>& may_run) {
          done(may_run ? consistency_->check(what) : may_run.reason());
        });
  };
  ports.fetch_jwks = [this](std::string url, ingest::fetch_done done) {
    fetches_->run(
        [this, url = std::move(url), done = std::move(done)](const core::result<void>& may_run) {
          fetch_limits within;
          within.give_up = &stopping_;
          done(may_run ? fetch(url, within) : may_run.reason());
        });
  };
  ports.reload = [this](ingest::reload_done done) {
    reloader_->request(reloader::trigger::request, std::move(done));
  };
  ports.state = [this] { return state(); };
  ports.shutdown = std::move(on_shutdown);
  return ports;
}

ingest::append_done service::with_events(std::vector<core::entry_ptr> entries,
                                         ingest::append_done done) {
  return [this, entries = std::move(entries),
          done = std::move(done)](const core::result<void>& outcome) {
    if (outcome) events_->written(entries);
    done(outcome);
  };
}

ingest::batch_done service::with_events(std::vector<std::vector<core::entry_ptr>> writes,
                                        ingest::batch_done done) {
  return [this, writes = std::move(writes),
          done = std::move(done)](std::vector<core::result<void>> outcomes) {
    for (std::size_t i = 0; i < outcomes.size() && i < writes.size(); ++i)
      if (outcomes[i]) events_->written(writes[i]);
    done(std::move(outcomes));
  };
}

void service::add_interaction_ports(ingest::ports& to) {
  to.on_interaction = [this](audit::record one) { interactions_->record(std::move(one)); };
  to.find_interactions = [this](ingest::interaction_choice what, ingest::interactions_done done) {
    interaction_jobs_->run([this, what = std::move(what),
                            done = std::move(done)](const core::result<void>& may_run) {
      done(may_run ? interactions_->find(what.which, what.offset, what.limit) : may_run.reason());
    });
  };
  to.count_interactions = [this](audit::filter which, ingest::interactions_counted done) {
    interaction_jobs_->run([this, which = std::move(which),
                            done = std::move(done)](const core::result<void>& may_run) {
      done(may_run ? interactions_->count(which) : may_run.reason());
    });
  };
}

void service::add_dead_letter_ports(ingest::ports& to) {
  to.dead_letters = [this](ingest::dead_letter_choice which, ingest::dead_letters_done done) {
    log_jobs_->run([this, which = std::move(which),
                    done = std::move(done)](const core::result<void>& may_run) {
      done(may_run ? look_at_dead_letters(*pipeline_, which) : may_run.reason());
    });
  };
  using action = core::result<std::uint64_t> (actors::pipeline::*)(const wal::dead_letter_filter&);
  const auto make_port = [this](action act) {
    return [this, act](ingest::dead_letter_choice which, ingest::dead_letters_acted done) {
      log_jobs_->run([this, act, which = std::move(which),
                      done = std::move(done)](const core::result<void>& may_run) {
        done(may_run ? ((*pipeline_).*act)(to_filter(which)) : may_run.reason());
      });
    };
  };
  to.redrive = make_port(&actors::pipeline::redrive);
  to.purge = make_port(&actors::pipeline::purge);
}

void service::add_switch_ports(ingest::ports& to) {
  const auto make_port = [this](bool pauses) {
    return [this, pauses](std::string name, ingest::destination_switched done) {
      switches_->run([this, pauses, name = std::move(name),
                      done = std::move(done)](const core::result<void>& may_run) {
        done(may_run ? switch_destination(name, pauses) : may_run.reason());
      });
    };
  };
  to.pause = make_port(true);
  to.resume = make_port(false);
}

void service::add_lint_port(ingest::ports& to) {
  to.lint = [this, known = type_table(types_)](ingest::lint_done done) {
    lints_->run([this, known, done = std::move(done)](const core::result<void>& may_run) {
      if (!may_run) return done(may_run.reason());
      auto found = config::lint(settings()->home, known);
      count_findings(metrics_, found);
      done(std::move(found));
    });
  };
}

core::result<ingest::destination_state> service::switch_destination(const std::string& name,
                                                                    bool pauses) {
  if (auto known = state_of(name); !known) return known;
  const auto now = settings();  // a reload may take others over meanwhile
  // First to the disk: what was answered holds after a crash as well.
  if (auto noted = write_paused(core::posix_files(), now->home, name, pauses); !noted)
    return noted.reason();
  auto done = pauses ? pipeline_->pause(name) : pipeline_->resume(name);
  if (!done) return done.reason();
  // Entries of v0.1.2 that name no destination go to the first one, through a queue of their own.
  if (name == now->destinations.front().name)
    if (auto also = pauses ? pipeline_->pause("") : pipeline_->resume("");
        !also && also.reason().code != core::errc::not_found)
      return also.reason();
  return wait_for_switch(name, pauses);
}

core::result<ingest::destination_state> service::wait_for_switch(const std::string& name,
                                                                 bool pauses) {
  // The pipeline does it as its next step, and its status shows it then.
  const auto deadline = std::chrono::steady_clock::now() + switch_time_max;
  for (;;) {
    auto state = state_of(name);
    if (!state || (state->state == "paused") == pauses) return state;
    if (std::chrono::steady_clock::now() > deadline) return state;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

core::result<ingest::destination_state> service::state_of(const std::string& destination) {
  for (auto& one : to_state(pipeline_->status()).destinations)
    if (one.name == destination) return std::move(one);
  return core::error{core::errc::not_found, "there is no destination " + destination};
}

void service::start_consistency() {
  consistency_source from;
  for (const auto& one : settings_->destinations) from.destinations.push_back(one.name);
  from.delivered_entries = [this](const auto& fn) { return pipeline_->delivered_entries(fn); };
  from.sample_delivered = [this](std::size_t count) { return pipeline_->sample_delivered(count); };
  from.exists = [this](const std::string& name,
                       std::vector<std::string> ids) -> core::result<std::vector<bool>> {
    // It would only run into its timeout, and the stop of the program with it.
    const auto state = state_of(name);
    if (state && !state->healthy)
      return core::error{core::errc::unreachable,
                         "it is " + state->state + ": " + state->last_error};
    return pipeline_->exists(name, std::move(ids));
  };
  from.redeliver = [this](std::span<const core::entry> entries) {
    return pipeline_->redeliver(entries);
  };
  consistency_ = std::make_unique<consistency_checker>(std::move(from), log_, metrics_);
  const auto& how = settings_->consistency;
  if (how.enabled) consistency_->run_every(how.interval, static_cast<std::size_t>(how.sample_size));
}

ingest::pipeline_state service::state() {
  auto now = to_state(pipeline_->status());
  now.memories_total = queries_->rows();
  now.consistency_score = consistency_->score();
  if (now.wal_healthy) now.wal_error = watchdog_->trouble();
  now.wal_healthy = now.wal_error.empty();
  return now;
}

void service::publish_health() {
  // The pipeline publishes what the log says; this, collected after it, adds what the watchdog says
  // of the disk.
  auto& healthy = metrics_.get_gauge("bubblefish_wal_healthy",
                                     "1 while the write-ahead log can be written, else 0.");
  metrics_.on_collect([this, &healthy] { healthy.set(state().wal_healthy ? 1 : 0); });
}

std::uint64_t service::stop(std::chrono::milliseconds budget) {
  const auto deadline = std::chrono::steady_clock::now() + budget;
  door_->enter(ingest::door_phase::draining);
  stopping_ = true;
  consistency_->request_stop();
  pipeline_->release_waiting();
  reloader_->stop();
  watch_.reset();
  // Other requests in progress wait for the disk only; a third of the time is plenty, and delivery
  // gets the rest.
  const std::size_t cut_off = server_->drain(budget / 3);
  if (cut_off > 0) log_->warn(std::to_string(cut_off) + " requests were cut off by the stop");
  // While the pipeline still takes what is written without its embedding now.
  if (embedder_) embedder_->stop();
  const std::uint64_t pending = pipeline_->stop(until(deadline));
  fetches_->stop();
  if (events_) events_->stop(std::min(until(deadline), events_stop_max));
  if (interactions_) interactions_->stop();
  if (interaction_jobs_) interaction_jobs_->stop();
  // After the log is closed: a long job ends with it.
  log_jobs_->stop();
  switches_->stop();
  lints_->stop();
  consistency_->stop();
  queries_->stop();
  return pending;
}

}  // namespace nexus::cli
