#include "cli/load.hpp"

#include <utility>

#include <sqlite3.h>

#include "cli/file_limit.hpp"
#include "cli/http_client.hpp"
#include "core/json_text.hpp"
#include "core/random.hpp"

namespace nexus::cli {
namespace {

/// Different for each entry, of different lengths, and with everything in it that JSON or SQL might
/// stumble over.
std::string make_content(const std::string& label, std::size_t client, std::size_t sequence) {
  std::string text = label + " " + std::to_string(client) + "/" + std::to_string(sequence) + " " +
                     core::random_hex(8) + " <é😀> \"quoted\" \\ \n\t\x01 'x' ";
  return text.append((sequence % 7) * (sequence % 11) * 30, 'n');
}

std::string make_body(const std::string& content) {
  std::string body = R"({"message":{"role":"user","content":)";
  core::json::append_quoted(body, content);
  return body + R"(},"model":"load"})";
}

/// The value of "payload_id" in an answer; empty if there is none.
std::string payload_id_of(const std::string& body) {
  if (!core::json::validate(body)) return {};
  if (core::json::kind_of(body) != core::json::kind::object) return {};
  core::json::members all(body);
  while (const auto* one = all.next()) {
    if (one->key == R"("payload_id")") return core::json::unquote(one->value);
  }
  return {};
}

std::string column(sqlite3_stmt* statement, int index) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, index));
  const int length = sqlite3_column_bytes(statement, index);
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(length));
}

}  // namespace

void ledger::merge(ledger other) {
  acknowledged.merge(other.acknowledged);
  sent.merge(other.sent);
  refused += other.refused;
}

load::load(load_options how) : how_(std::move(how)), running_(how_.clients) {
  constexpr std::size_t files_of_client = 4;
  constexpr std::size_t files_of_others = 64;
  (void)raise_file_limit(how_.clients * files_of_client + files_of_others);  // as far as it goes
  for (std::size_t i = 0; i < how_.clients; ++i) {
    threads_.emplace_back([this, i] { run_client(i); });
  }
}

load::~load() {
  finishing_ = true;
  for (auto& one : threads_) {
    if (one.joinable()) one.join();
  }
}

bool load::wait_for(std::size_t acknowledged) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return running_ == 0 || book_.acknowledged.size() >= acknowledged; });
  return book_.acknowledged.size() >= acknowledged;
}

ledger load::finish() {
  finishing_ = true;
  for (auto& one : threads_) one.join();
  return std::move(book_);
}

void load::run_client(std::size_t number) {
  http_client connection(how_.host, how_.port);
  for (std::size_t sequence = 0; !finishing_; ++sequence) {
    if (!write_one(connection, number, sequence)) break;
  }
  const std::lock_guard lock(mutex_);
  --running_;
  changed_.notify_all();
}

bool load::write_one(http_client& connection, std::size_t client, std::size_t sequence) {
  const std::string content = make_content(how_.label, client, sequence);
  {
    const std::lock_guard lock(mutex_);
    book_.sent.insert(content);
  }
  const auto answer = connection.send({"POST",
                                       "/inbound/" + how_.source,
                                       how_.api_key,
                                       {{"Content-Type", "application/json"}},
                                       make_body(content)});
  if (!answer) return false;
  const std::lock_guard lock(mutex_);
  if (answer->status == 200) {
    book_.acknowledged[payload_id_of(answer->body)] = content;
    changed_.notify_all();
  } else {
    ++book_.refused;
  }
  return true;
}

core::result<void> wait_until_delivered(const std::string& host, std::uint16_t port,
                                        const std::string& admin_token,
                                        std::chrono::seconds timeout) {
  constexpr std::chrono::milliseconds pause{10};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  http_client client(host, port);
  for (;;) {
    const auto answer = client.send({"GET", "/api/status", admin_token, {}, ""});
    if (!answer) return answer.reason();
    if (answer->body.find("\"pending_entries\":0,") != std::string::npos) return {};
    if (std::chrono::steady_clock::now() > deadline) {
      return core::error{core::errc::unreachable, "entries are still pending after " +
                                                      std::to_string(timeout.count()) + " s"};
    }
    std::this_thread::sleep_for(pause);
  }
}

core::result<std::vector<stored_row>> read_rows(const std::string& path) {
  const auto refused = [&](sqlite3* db) {
    core::error reason{core::errc::io_failed, path + ": " + sqlite3_errmsg(db)};
    sqlite3_close(db);
    return reason;
  };
  sqlite3* db = nullptr;
  // Not read-only: SQLite may have to finish what a killed process began.
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK) {
    return refused(db);
  }
  sqlite3_busy_timeout(db, 5000);
  sqlite3_stmt* statement = nullptr;
  const char* sql = "SELECT payload_id, content FROM memories";
  if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) return refused(db);
  std::vector<stored_row> rows;
  int step = SQLITE_OK;
  while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
    rows.push_back({column(statement, 0), column(statement, 1)});
  }
  sqlite3_finalize(statement);
  if (step != SQLITE_DONE) return refused(db);
  sqlite3_close(db);
  return rows;
}

proof compare(const ledger& book, const std::vector<stored_row>& rows) {
  proof found;
  std::unordered_map<std::string, std::uint64_t> times;
  std::unordered_map<std::string, const std::string*> by_id;
  for (const auto& row : rows) {
    by_id[row.payload_id] = &row.content;
    if (++times[row.content] == 2) ++found.repeated;
    if (!book.sent.contains(row.content)) ++found.unknown;
  }
  std::unordered_set<std::string> promised;
  for (const auto& [id, content] : book.acknowledged) {
    promised.insert(content);
    const auto row = by_id.find(id);
    if (row == by_id.end()) {
      ++found.missing;
    } else if (*row->second != content) {
      ++found.changed;
    } else if (times[content] == 1) {
      ++found.once;
    }
  }
  found.acknowledged = promised.size();
  for (const auto& content : book.sent) {
    if (promised.contains(content)) continue;
    ++found.unanswered;
    if (times.contains(content)) ++found.survived;
  }
  return found;
}

}  // namespace nexus::cli
