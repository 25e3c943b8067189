#include "proxy/main/commands/matrix_page.h"

#include "policy/label/marking.h"

namespace sallyport::commands {

namespace {

using policy::proof::MatrixAnswer;
using policy::proof::MatrixCell;
using policy::proof::MatrixLabel;

constexpr std::string_view kHead =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n";

constexpr std::string_view kStyle =
    "<style>\n"
    "body { font: 15px/1.4 sans-serif; margin: 2em; color: #111; background: #fff }\n"
    "h1 { font-size: 1.3em; margin: 0 0 .2em }\n"
    "p { margin: .2em 0 1em; color: #444 }\n"
    "table { border-collapse: collapse }\n"
    "th, td { border: 1px solid #999; padding: .35em .6em; text-align: center; vertical-align: top }\n"
    "tbody th { text-align: left; font-weight: normal; white-space: nowrap }\n"
    "td small { display: block; max-width: 14em; color: #333 }\n"
    "th small { display: block; font-weight: normal }\n"
    ".yes { background: #cfe8cf }\n"
    ".part { background: #fbe9b7 }\n"
    ".no { background: #f4f4f4; color: #555 }\n"
    "@media print { body { margin: 0 } th, td { -webkit-print-color-adjust: exact; print-color-adjust: exact } }\n"
    "</style>\n";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// The schema of SPIFs misspells one of its names.
std::string_view css_colour(std::string_view colour) {
  return colour == "fuschia" ? "fuchsia" : colour;
}

std::string heading(const MatrixLabel& label) {
  std::string out = "<th scope=\"col\"";
  if (policy::label::is_colour(label.background))
    out.append(" style=\"background: ")
        .append(css_colour(label.background))
        .append("; color: ")
        .append(label.foreground)
        .append("\"");
  out += ">" + escaped(label.name);
  if (!label.policy.empty()) out += "<small>" + escaped(label.policy) + "</small>";
  return out + "</th>";
}

std::string cell(const MatrixCell& cell) {
  const std::string_view kind = cell.answer == MatrixAnswer::Yes      ? "yes"
                                : cell.answer == MatrixAnswer::InPart ? "part"
                                                                      : "no";
  const std::string detail = cell.answer == MatrixAnswer::No ? std::string(policy::code(cell.reason)) : cell.example;
  std::string out = "<td class=\"" + std::string(kind) + "\"";
  if (!cell.rule.empty()) out += " title=\"" + escaped(cell.rule) + "\"";
  out += ">" + std::string(policy::proof::name(cell.answer));
  if (!detail.empty()) out += "<small>" + escaped(detail) + "</small>";
  return out + "</td>";
}

}  // namespace

std::string matrix_page(const policy::proof::Matrix& matrix, const std::string& policy, const std::string& hash,
                        const std::string& time) {
  std::string page(kHead);
  page += "<title>" + escaped(policy) + ": which labels cross where</title>\n" + std::string(kStyle) +
          "</head>\n<body>\n<h1>" + escaped(policy) + ": which labels cross where</h1>\n<p>Chat messages of text, " +
          escaped(time) + ". Bundle " + escaped(hash) + ".</p>\n";
  if (!matrix.labels_looked_at)
    page += "<p>The stage &ldquo;label&rdquo; is switched off: nobody looks at labels.</p>\n";
  page += "<table>\n<thead><tr><th scope=\"col\">from</th><th scope=\"col\">to</th>";
  for (const auto& label : matrix.labels) page += heading(label);
  page += "</tr></thead>\n<tbody>\n";
  for (const auto& row : matrix.rows) {
    page += "<tr><th scope=\"row\">" + escaped(row.from) + "</th><th scope=\"row\" title=\"" + escaped(row.peering) +
            "\">" + escaped(row.to) + "</th>";
    for (const auto& each : row.cells) page += cell(each);
    page += "</tr>\n";
  }
  page +=
      "</tbody>\n</table>\n<p><b>yes</b>: whoever writes to whom, at any time, with a label of this class and nothing "
      "else "
      "in it. <b>in part</b>: for some people, at some times, or with the values shown. <b>no</b>: nothing of the "
      "kind; "
      "the reason is that of the label as it stands. The rule shows under the pointer.</p>\n</body>\n</html>\n";
  return page;
}

}  // namespace sallyport::commands
