// Manual pages in mdoc(7): a template for each page, with what the option tree knows filled in.
//
// A template is plain mdoc. A line that is one of these stands for what the tree has of it:
//
//   @head@         date, title, NAME
//   @synopsis@     each command with its arguments
//   @description@  the command's paragraphs
//   @options@      the command's options and arguments, with defaults
//   @commands@     what is below it: of gwtool the names of the pages, of a command all about them
//   @environment@  variables that set options
//   @exit-status@  what the exit codes mean, and which of several is reported
//   @files@        files beside those that options name
//   @metrics@      all metrics but the build service's, @build-metrics@ those
//   @see-also@     the other pages
//
// A template that leaves out what its command has is refused, so that no option goes without
// documentation; metrics are for the one page that wants them. A line of comment is left out.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "frame/tree.h"

namespace gw::cmd {

// The page of gwtool itself or of one of its commands: gwtool-check(1) describes all of `check`.
// Without a template (an empty one) it has the usual sections and nothing else. `date` as mdoc
// wants it: manual_date(). kUsage: what is wrong with the template.
Result<std::string> format_manual(const CommandPath& path, std::string_view text_template,
                                  std::string_view date);

// A page of section 7, which belongs to no command: its template, dated.
std::string format_guide(std::string_view name, std::string_view text_template,
                         std::string_view date);
inline constexpr std::array<std::string_view, 1> kGuides{"gwtool-tour"};

// "gwtool-check" for the path of `gwtool check`.
std::string manual_name(const CommandPath& path);

// "November 22, 2026", in UTC.
std::string manual_date(WallTime day);

}  // namespace gw::cmd
