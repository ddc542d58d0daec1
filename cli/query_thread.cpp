#include "cli/query_thread.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace nexus::cli {

query_thread::query_thread(const std::vector<destinations::settings>& readable,
                           const destinations::registry& types, core::logger_ptr log)
    : types_(types), log_(std::move(log)) {
  replace(readable);
}

void query_thread::replace(const std::vector<destinations::settings>& readable) {
  std::map<std::string, std::shared_ptr<source>> before;  // readers end without the mutex
  const std::lock_guard lock(mutex_);
  before = std::exchange(sources_, {});
  for (const auto& how : readable) {
    const auto* type = types_.find(how.type);
    if (type == nullptr || !type->make_reader) continue;
    const auto known = before.find(how.name);
    sources_[how.name] = known != before.end() && known->second->how == how
                             ? known->second
                             : std::make_shared<source>(source{how, type, nullptr});
  }
}

void query_thread::find(destinations::query what, ingest::query_done done) {
  std::shared_ptr<source> from;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = sources_.find(what.destination); found != sources_.end())
      from = found->second;
  }
  if (!from) {
    done(core::error{core::errc::not_found,
                     "destination '" + what.destination + "' is not there or cannot be read back"});
    return;
  }
  thread_.run([this, from = std::move(from), what = std::move(what),
               done = std::move(done)](const core::result<void>& may_run) {
    done(may_run ? find_now(*from, what) : may_run.reason());
  });
}

std::uint64_t query_thread::rows() {
  if (clock::now() >= clock::time_point(clock::duration(count_after_)) &&
      !counting_.exchange(true)) {
    thread_.run([this](const core::result<void>& may_run) {
      if (may_run) count_rows();
      counting_ = false;
    });
  }
  return rows_;
}

void query_thread::stop() {
  thread_.stop();
}

core::result<destinations::reader*> query_thread::reader_of(source& from) {
  if (!from.reader) {
    auto made = from.type->make_reader(from.how);
    if (!made) return made.reason();
    from.reader = std::move(*made);
  }
  return from.reader.get();
}

core::result<destinations::query_page> query_thread::find_now(source& from,
                                                              const destinations::query& what) {
  // Readers may be somebody else's code: an exception of theirs must not end the server.
  try {
    auto reader = reader_of(from);
    if (!reader) return reader.reason();
    auto page = (*reader)->find(what);
    if (!page) from.reader.reset();  // the next query begins with a fresh connection
    return page;
  } catch (const std::exception& trouble) {
    from.reader.reset();
    return core::error{core::errc::io_failed, from.how.name + ": " + trouble.what()};
  }
}

void query_thread::count_rows() {
  const auto begin = clock::now();
  std::uint64_t total = 0;
  std::map<std::string, std::shared_ptr<source>> sources;
  {
    const std::lock_guard lock(mutex_);
    sources = sources_;
  }
  for (auto& [name, from] : sources) {
    try {
      auto reader = reader_of(*from);
      auto count = reader ? (*reader)->count() : core::result<std::uint64_t>(reader.reason());
      if (count) total += *count;
      if (!count) log_->debug(name + ": rows were not counted: " + count.reason().text);
    } catch (const std::exception& trouble) {
      from->reader.reset();
      log_->warn(name + ": rows were not counted: " + trouble.what());
    }
  }
  rows_ = total;
  const auto pause =
      std::max<clock::duration>(std::chrono::seconds(1), 100 * (clock::now() - begin));
  count_after_ = (clock::now() + pause).time_since_epoch().count();
}

}  // namespace nexus::cli
