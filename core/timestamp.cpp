#include "core/timestamp.hpp"

#include <cstdint>

namespace nexus::core {
namespace {

/// The parts of an RFC 3339 text.
struct parts {
  int year, month, day, hour, minute, second;
  int nanoseconds = 0;
  int offset_minutes = 0;
};

/// Reads `digits` digits from the front of `text`; -1 if they are not there.
int take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// A fraction of any length after '.' or ',', cut to nanoseconds. False if the separator stands
/// alone.
bool take_fraction(std::string_view& text, int& nanoseconds) {
  if (text.empty() || (text.front() != '.' && text.front() != ',')) return true;
  text.remove_prefix(1);
  int digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9';
       ++digits, text.remove_prefix(1))
    if (digits < 9) nanoseconds = nanoseconds * 10 + (text.front() - '0');
  for (int i = digits; i < 9; ++i) nanoseconds *= 10;
  return digits > 0;
}

bool take_zone(std::string_view& text, int& offset_minutes) {
  if (take(text, 'Z')) return true;
  int sign = take(text, '+') ? 1 : take(text, '-') ? -1 : 0;
  int hours = take_digits(text, 2);
  if (sign == 0 || hours < 0 || hours > 24 || !take(text, ':')) return false;
  int minutes = take_digits(text, 2);
  if (minutes < 0 || minutes > 60) return false;
  offset_minutes = sign * (hours * 60 + minutes);
  return true;
}

std::optional<parts> split(std::string_view text) {
  parts p{};
  p.year = take_digits(text, 4);
  if (p.year < 0 || !take(text, '-')) return {};
  p.month = take_digits(text, 2);
  if (p.month < 0 || !take(text, '-')) return {};
  p.day = take_digits(text, 2);
  if (p.day < 0 || !take(text, 'T')) return {};
  p.hour = take_digits(
      text, text.size() > 1 && text[1] == ':' ? 1 : 2);  // the reference takes T9:00:00 too
  if (p.hour < 0 || p.hour > 23 || !take(text, ':')) return {};
  p.minute = take_digits(text, 2);
  if (p.minute < 0 || p.minute > 59 || !take(text, ':')) return {};
  p.second = take_digits(text, 2);
  if (p.second < 0 || p.second > 59) return {};
  if (!take_fraction(text, p.nanoseconds) || !take_zone(text, p.offset_minutes) || !text.empty())
    return {};
  std::chrono::year_month_day date{std::chrono::year{p.year},
                                   std::chrono::month{static_cast<unsigned>(p.month)},
                                   std::chrono::day{static_cast<unsigned>(p.day)}};
  if (!date.ok()) return {};
  return p;
}

/// Appends the last `digits` digits of `value`.
void append_digits(std::string& out, int value, int digits) {
  auto start = out.size();
  out.resize(start + static_cast<std::size_t>(digits));
  for (auto at = out.end(); at != out.begin() + static_cast<std::ptrdiff_t>(start); value /= 10)
    *--at = static_cast<char>('0' + value % 10);
}

std::string spell(const parts& p) {
  std::string out;
  auto append = [&](int value, char separator) {
    append_digits(out, value, 2);
    out += separator;
  };
  append_digits(out, p.year, 4);
  out += '-';
  append(p.month, '-');
  append(p.day, 'T');
  append(p.hour, ':');
  append(p.minute, ':');
  append_digits(out, p.second, 2);
  if (p.nanoseconds > 0) {
    out += '.';
    append_digits(out, p.nanoseconds, 9);
    out.erase(out.find_last_not_of('0') + 1);
  }
  if (p.offset_minutes == 0) return out + 'Z';
  int minutes = p.offset_minutes < 0 ? -p.offset_minutes : p.offset_minutes;
  out += p.offset_minutes < 0 ? '-' : '+';
  append(minutes / 60, ':');
  append_digits(out, minutes % 60, 2);
  return out;
}

}  // namespace

time_point now() {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

std::string format_timestamp(time_point when) {
  auto day = std::chrono::floor<std::chrono::days>(when);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss time{when - day};
  return spell(
      {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
       static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(time.hours().count()),
       static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
       static_cast<int>(time.subseconds().count()), 0});
}

std::optional<time_point> parse_timestamp(std::string_view text) {
  auto p = split(text);
  if (!p || p->year < 1678 || p->year > 2261) return {};
  std::chrono::sys_days day{std::chrono::year{p->year} / p->month / p->day};
  return time_point{day} + std::chrono::hours{p->hour} +
         std::chrono::minutes{p->minute - p->offset_minutes} + std::chrono::seconds{p->second} +
         std::chrono::nanoseconds{p->nanoseconds};
}

std::optional<std::string> normalize_timestamp(std::string_view text) {
  auto p = split(text);
  if (!p) return {};
  return spell(*p);
}

}  // namespace nexus::core
