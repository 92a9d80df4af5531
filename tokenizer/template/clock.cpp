#include "tokenizer/template/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tokenizer/template/budget.h"

namespace distill::jinja {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};

struct Date {
    std::int64_t year;
    int month, day;   // from 1
    int weekday;      // Sunday is 0
    int day_of_year;  // from 0
    int hour, minute, second;
};

bool is_leap(std::int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

Date date_of(std::int64_t seconds) {
    // Years -9999 to 9999, so that nothing below overflows.
    seconds = std::clamp<std::int64_t>(seconds, -377'705'116'800, 253'402'300'799);
    std::int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        --days;
    }
    Date d{};
    d.hour = static_cast<int>(rest / 3600);
    d.minute = static_cast<int>(rest / 60 % 60);
    d.second = static_cast<int>(rest % 60);
    d.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
    d.year = 1970;
    // 400 years are 146097 days; then year by year.
    const std::int64_t eras = days >= 0 ? days / 146097 : -((-days + 146096) / 146097);
    d.year += eras * 400;
    days -= eras * 146097;
    for (; days >= (is_leap(d.year) ? 366 : 365); ++d.year) days -= is_leap(d.year) ? 366 : 365;
    d.day_of_year = static_cast<int>(days);
    const std::array<int, 12> lengths = {31, is_leap(d.year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int day = d.day_of_year;
    for (d.month = 1; day >= lengths[static_cast<std::size_t>(d.month - 1)]; ++d.month) {
        day -= lengths[static_cast<std::size_t>(d.month - 1)];
    }
    d.day = day + 1;
    return d;
}

struct IsoWeek {
    std::int64_t year;
    int week;
};

IsoWeek iso_week(const Date& d) {
    const int weekday = (d.weekday + 6) % 7;              // Monday is 0
    const int week = (d.day_of_year - weekday + 10) / 7;  // of the year, from 1
    const auto weeks_in = [](std::int64_t year, int first_weekday) {
        return first_weekday == 3 || (is_leap(year) && first_weekday == 2) ? 53 : 52;
    };
    const int first = ((weekday - d.day_of_year) % 7 + 7) % 7;  // weekday of January 1st
    if (week < 1) {
        const int before = ((first - (is_leap(d.year - 1) ? 366 : 365)) % 7 + 7) % 7;
        return {d.year - 1, weeks_in(d.year - 1, before)};
    }
    if (week > weeks_in(d.year, first)) return {d.year + 1, 1};
    return {d.year, week};
}

}  // namespace

std::string format_time(std::string_view format, std::int64_t seconds) {
    const Date d = date_of(seconds);
    const std::string_view day = kDays[static_cast<std::size_t>(d.weekday)];
    const std::string_view month = kMonths[static_cast<std::size_t>(d.month - 1)];
    const int hour12 = d.hour % 12 == 0 ? 12 : d.hour % 12;
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        Budget::check_text(out.size());
        if (format[i] != '%' || i + 1 == format.size()) {
            out += format[i];
            continue;
        }
        const std::size_t percent = i++;
        // The C library's flags: no padding, blanks, zeros, capitals.
        char flag = '\0';
        if (std::string_view("-_0^#").find(format[i]) != std::string_view::npos && i + 1 < format.size())
            flag = format[i++];
        const auto number = [&](std::int64_t n, int width, char pad = '0') {
            if (flag == '_') pad = ' ';
            if (flag == '0') pad = '0';
            if (flag == '-')
                out += fmt::format("{}", n);
            else
                out += pad == ' ' ? fmt::format("{:{}}", n, width) : fmt::format("{:0{}}", n, width);
        };
        const auto name = [&](std::string_view text) {
            for (const char c : text)
                out += flag == '^' || flag == '#' ? static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c) : c;
        };
        switch (format[i]) {
            case 'a':
                name(day.substr(0, 3));
                break;
            case 'A':
                name(day);
                break;
            case 'b':
            case 'h':
                name(month.substr(0, 3));
                break;
            case 'B':
                name(month);
                break;
            case 'c':
                out += format_time("%a %b %e %H:%M:%S %Y", seconds);
                break;
            case 'C':
                number(d.year / 100, 2);
                break;
            case 'd':
                number(d.day, 2);
                break;
            case 'D':
            case 'x':
                out += format_time("%m/%d/%y", seconds);
                break;
            case 'e':
                number(d.day, 2, ' ');
                break;
            case 'f':
                out += "000000";
                break;
            case 'F':
                out += format_time("%Y-%m-%d", seconds);
                break;
            case 'g':
                number(iso_week(d).year % 100, 2);
                break;
            case 'G':
                number(iso_week(d).year, 1);
                break;
            case 'H':
                number(d.hour, 2);
                break;
            case 'I':
                number(hour12, 2);
                break;
            case 'j':
                number(d.day_of_year + 1, 3);
                break;
            case 'k':
                number(d.hour, 2, ' ');
                break;
            case 'l':
                number(hour12, 2, ' ');
                break;
            case 'm':
                number(d.month, 2);
                break;
            case 'M':
                number(d.minute, 2);
                break;
            case 'n':
                out += '\n';
                break;
            case 'p':
                out += flag == '#' ? (d.hour < 12 ? "am" : "pm") : d.hour < 12 ? "AM" : "PM";
                break;
            case 'P':
                out += d.hour < 12 ? "am" : "pm";
                break;
            case 'r':
                out += format_time("%I:%M:%S %p", seconds);
                break;
            case 'R':
                out += format_time("%H:%M", seconds);
                break;
            case 's':
                out += fmt::format("{}", seconds);
                break;
            case 'S':
                number(d.second, 2);
                break;
            case 't':
                out += '\t';
                break;
            case 'T':
            case 'X':
                out += format_time("%H:%M:%S", seconds);
                break;
            case 'u':
                number(d.weekday == 0 ? 7 : d.weekday, 1);
                break;
            case 'U':
                number((d.day_of_year + 7 - d.weekday) / 7, 2);
                break;
            case 'V':
                number(iso_week(d).week, 2);
                break;
            case 'w':
                number(d.weekday, 1);
                break;
            case 'W':
                number((d.day_of_year + 7 - (d.weekday + 6) % 7) / 7, 2);
                break;
            case 'y':
                number(d.year % 100, 2);
                break;
            case 'Y':
                number(d.year, 1);
                break;
            case 'z':
            case 'Z':
                break;  // a time without a zone
            case '%':
                out += '%';
                break;
            default:
                out += format.substr(percent, i + 1 - percent);
                break;
        }
    }
    return out;
}

}  // namespace distill::jinja
