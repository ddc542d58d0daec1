// What the tests of the SQLite destination share: entries to deliver, and a look into the database
// from outside.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "core/entry.hpp"
#include "destinations/memory_record.hpp"
#include "destinations/sqlite.hpp"

namespace nexus::test {

inline destinations::memory_record record_named(const std::string& payload_id) {
  destinations::memory_record record;
  record.payload_id = payload_id;
  record.request_id = "req";
  record.source = "src";
  record.subject = "ann";
  record.name_space = "home";
  record.destination = "store";
  record.collection = "notes";
  record.content = "content of " + payload_id;
  record.model = "m1";
  record.role = "user";
  record.timestamp = "2026-01-02T03:04:05.6Z";
  record.idempotency_key = "key";
  record.schema_version = 1;
  record.transform_version = "1.0";
  record.actor_type = "user";
  record.actor_id = "a7";
  record.classification_tier = "public";
  return record;
}

inline std::string json_of(const destinations::memory_record& record) {
  std::string json;
  destinations::append_json(json, record);
  return json;
}

inline core::entry_ptr entry_with(const std::string& payload_id, const std::string& payload) {
  auto entry = std::make_shared<core::entry>();
  entry->payload_id = payload_id;
  entry->payload = payload;
  return entry;
}

inline core::entry_ptr entry_of(const destinations::memory_record& record) {
  return entry_with(record.payload_id, json_of(record));
}

inline core::entry_ptr entry_named(const std::string& payload_id) {
  return entry_of(record_named(payload_id));
}

/// The table as the first versions of the reference made it; `extra` goes to its end.
inline std::string early_table(const std::string& extra) {
  std::string sql = "CREATE TABLE memories (payload_id TEXT PRIMARY KEY";
  for (const char* name :
       {"request_id", "source", "subject", "namespace", "destination", "collection", "content",
        "model", "role", "timestamp", "idempotency_key"}) {
    sql += std::string(", ") + name + " TEXT NOT NULL DEFAULT ''";
  }
  sql += ", schema_version INTEGER NOT NULL DEFAULT 0";
  for (const char* name : {"transform_version", "actor_type", "actor_id"}) {
    sql += std::string(", ") + name + " TEXT NOT NULL DEFAULT ''";
  }
  return sql +
         ", metadata TEXT NOT NULL DEFAULT '{}', created_at TEXT NOT NULL DEFAULT"
         " (strftime('%Y-%m-%dT%H:%M:%fZ','now'))" +
         extra + ")";
}

/// A connection of the test's own. Statements that fail throw.
class raw_database {
 public:
  explicit raw_database(const std::string& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) throw std::runtime_error("open " + path);
  }
  ~raw_database() { sqlite3_close(handle_); }
  raw_database(const raw_database&) = delete;
  raw_database& operator=(const raw_database&) = delete;

  /// Every row as its columns joined by `|`; NULL as the word.
  std::vector<std::string> rows(const std::string& sql) { return rows(handle_, sql); }
  std::string value(const std::string& sql) {
    auto all = rows(sql);
    return all.empty() ? "no row" : all.front();
  }

  static std::vector<std::string> rows(sqlite3* handle, const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr);
    std::vector<std::string> all;
    int code = SQLITE_ERROR;
    while (statement != nullptr && (code = sqlite3_step(statement)) == SQLITE_ROW) {
      std::string row;
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        if (i > 0) row += '|';
        const unsigned char* text = sqlite3_column_text(statement, i);
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
        row += text == nullptr ? "NULL" : std::string(reinterpret_cast<const char*>(text), size);
      }
      all.push_back(row);
    }
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE) throw std::runtime_error(sql + ": " + sqlite3_errmsg(handle));
    return all;
  }

 private:
  sqlite3* handle_ = nullptr;
};

/// Sees the handle of every connection that is opened while it lives: what only the connection
/// itself knows (its pragmas, its commits, its statements) can be asked through it. One at a time.
class connection_spy {
 public:
  connection_spy() {
    opened().clear();
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&connection_spy::note));
  }
  ~connection_spy() {
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&connection_spy::note));
  }
  connection_spy(const connection_spy&) = delete;
  connection_spy& operator=(const connection_spy&) = delete;

  /// The connection that was opened last; null if none was.
  sqlite3* last() const { return opened().empty() ? nullptr : opened().back(); }

 private:
  static std::vector<sqlite3*>& opened() {
    static std::vector<sqlite3*> handles;
    return handles;
  }
  static int note(sqlite3* handle, char**, const void*) {
    opened().push_back(handle);
    return SQLITE_OK;
  }
};

}  // namespace nexus::test
