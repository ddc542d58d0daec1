#include "core/timestamp.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>

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

/// Writes the last `digits` digits of `value`, and returns the place behind them.
char* put_digits(char* at, int value, int digits) {
  for (int i = digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
  return at + digits;
}

std::string spell(const parts& p) {
  std::array<char, 40> text;  // 35 are needed: 9999-12-31T23:59:60.123456789+24:60
  auto at = put_digits(text.data(), p.year, 4);
  auto put = [&](char separator, int value) {
    *at++ = separator;
    at = put_digits(at, value, 2);
  };
  put('-', p.month);
  put('-', p.day);
  put('T', p.hour);
  put(':', p.minute);
  put(':', p.second);
  if (p.nanoseconds > 0) {
    *at++ = '.';
    at = put_digits(at, p.nanoseconds, 9);
    while (at[-1] == '0') --at;
  }
  if (p.offset_minutes == 0) {
    *at++ = 'Z';
  } else {
    int minutes = std::abs(p.offset_minutes);
    put(p.offset_minutes < 0 ? '-' : '+', minutes / 60);
    put(':', minutes % 60);
  }
  return {text.data(), at};
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
