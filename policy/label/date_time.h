// Points in time as labels write them (xs:dateTime).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::policy::label {

using Seconds = std::chrono::sys_seconds;

/// "2026-02-03T04:05:06Z", also with an offset, with decimals of a second (cut off) or without zone (taken as UTC);
/// white space around it is passed over. nullopt for anything else, for the hour 24 and for years other than 0001 to
/// 9999.
std::optional<Seconds> read_date_time(std::string_view text);
/// In UTC, to the second.
std::string write_date_time(Seconds time);

}  // namespace sallyport::policy::label
