#include "cli/query_thread.hpp"

#include <exception>
#include <utility>

namespace nexus::cli {

query_thread::query_thread(const std::vector<destinations::settings>& readable,
                           const destinations::registry& types, core::logger_ptr log)
    : log_(std::move(log)) {
  for (const auto& how : readable) {
    const auto* type = types.find(how.type);
    if (type != nullptr && type->make_reader) sources_[how.name] = source{how, type, nullptr};
  }
  thread_ = std::thread([this] { run(); });
}

query_thread::~query_thread() {
  stop();
}

void query_thread::find(destinations::query what, ingest::query_done done) {
  const auto found = sources_.find(what.destination);
  if (found == sources_.end()) {
    done(core::error{core::errc::not_found,
                     "destination '" + what.destination + "' is not there or cannot be read back"});
    return;
  }
  core::error refusal{core::errc::closed, "the server is stopping"};
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && jobs_.size() < queries_max) {
      jobs_.push_back([this, &from = found->second, what = std::move(what),
                       done = std::move(done)](bool stopping) {
        done(stopping ? core::error{core::errc::closed, "the server is stopping"}
                      : find_now(from, what));
      });
      wake_.notify_one();
      return;
    }
    if (!stopping_) {
      refusal = {core::errc::overloaded, std::to_string(queries_max) + " queries are waiting"};
    }
  }
  done(std::move(refusal));
}

std::uint64_t query_thread::rows() {
  const std::lock_guard lock(mutex_);
  if (!stopping_ && !counting_ && clock::now() >= count_after_) {
    counting_ = true;
    jobs_.push_back([this](bool stopping) {
      if (!stopping) count_rows();
    });
    wake_.notify_one();
  }
  return rows_;
}

void query_thread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void query_thread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const job next = std::move(jobs_.front());
    jobs_.pop_front();
    const bool stopping = stopping_;
    lock.unlock();
    next(stopping);
    lock.lock();
  }
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
  for (auto& [name, from] : sources_) {
    try {
      auto reader = reader_of(from);
      auto count = reader ? (*reader)->count() : core::result<std::uint64_t>(reader.reason());
      if (count) total += *count;
      if (!count) log_->debug(name + ": rows were not counted: " + count.reason().text);
    } catch (const std::exception& trouble) {
      from.reader.reset();
      log_->warn(name + ": rows were not counted: " + trouble.what());
    }
  }
  rows_ = total;
  const std::lock_guard lock(mutex_);
  counting_ = false;
  count_after_ = clock::now() +
                 std::max<clock::duration>(std::chrono::seconds(1), 100 * (clock::now() - begin));
}

}  // namespace nexus::cli
