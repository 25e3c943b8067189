#include "inspect/normal_form.h"

#include <algorithm>
#include <tuple>

#include "inspect/grammar.h"
#include "inspect/names.h"
#include "inspect/octets.h"
#include "inspect/utf8.h"

namespace sallyport::inspect {
namespace {

constexpr std::uint8_t kElement = 1, kText = 2, kEnd = 0;
constexpr std::uint16_t kNoneOrContent = 0, kXmlNumber = 1, kFirstNumber = 2;

bool comes_before(const Attribute& left, const Attribute& right) {
  return std::tie(left.ns, left.name) < std::tie(right.ns, right.name);
}

// Attributes are few and mostly sorted already.
void sort(std::span<Attribute> attributes) {
  for (std::size_t i = 1; i < attributes.size(); ++i)
    for (std::size_t j = i; j > 0 && comes_before(attributes[j], attributes[j - 1]); --j)
      std::swap(attributes[j], attributes[j - 1]);
}

}  // namespace

void NormalFormWriter::open(std::string_view ns, std::string_view name, std::span<Attribute> attributes) {
  finish_text();
  sort(attributes);
  OctetWriter octets(out_);
  octets.integer(kElement);
  namespace_number(ns, false);
  octets.integer(static_cast<std::uint16_t>(name.size()));
  out_.append(name);
  octets.integer(static_cast<std::uint8_t>(attributes.size()));
  for (const Attribute& attribute : attributes) {
    namespace_number(attribute.ns, true);
    octets.integer(static_cast<std::uint16_t>(attribute.name.size()));
    out_.append(attribute.name);
    octets.string(attribute.value);
  }
}

void NormalFormWriter::text(std::string_view piece) {
  if (piece.empty()) return;
  if (text_at_ == 0) {
    OctetWriter octets(out_);
    octets.integer(kText);
    octets.integer(std::uint32_t{0});
    text_at_ = out_.size();
  }
  out_.append(piece);
}

void NormalFormWriter::close() {
  finish_text();
  OctetWriter(out_).integer(kEnd);
}

void NormalFormWriter::restart() {
  namespaces_.clear();
  text_at_ = 0;
}

// The length was not known when the text began.
void NormalFormWriter::finish_text() {
  if (text_at_ == 0) return;
  const auto length = static_cast<std::uint32_t>(out_.size() - text_at_);
  for (unsigned i = 0; i < 4; ++i) out_[text_at_ - 4 + i] = static_cast<char>(length >> (24 - 8 * i));
  text_at_ = 0;
}

void NormalFormWriter::namespace_number(std::string_view ns, bool of_attribute) {
  OctetWriter octets(out_);
  if (ns.empty()) return octets.integer(kNoneOrContent);
  if (of_attribute && ns == ns::kXml) return octets.integer(kXmlNumber);
  for (std::size_t i = 0; i < namespaces_.size(); ++i) {
    const Place& known = namespaces_[i];
    if (known.size == ns.size() && std::string_view(out_).substr(known.at, known.size) == ns)
      return octets.integer(static_cast<std::uint16_t>(kFirstNumber + i));
  }
  octets.integer(static_cast<std::uint16_t>(kFirstNumber + namespaces_.size()));
  octets.string(ns);
  namespaces_.push_back({out_.size() - ns.size(), ns.size()});
}

namespace {

class Decoding {
 public:
  Decoding(std::string_view octets, Arena& arena, const ParserLimits& limits)
      : size_(octets.size()), reader_(octets), arena_(arena), limits_(limits) {}

  std::expected<Node*, NormalFormFault> run() {
    Node* root = nullptr;
    if (reader_.integer<std::uint8_t>() == kElement)
      root = element(1, nullptr);
    else
      refuse("does not begin with an element");
    if (what_.empty() && !reader_.ok()) refuse("ends too soon");
    if (what_.empty() && !reader_.at_end()) refuse("octets after the element");
    if (!what_.empty()) return std::unexpected(NormalFormFault{at_, std::string(what_)});
    return root;
  }

 private:
  // After the first fault the reader gives empty values, so that everything below comes to its end by itself.
  void refuse(std::string_view what) {
    if (what_.empty()) {
      what_ = what;
      at_ = size_ - reader_.left();
    }
    reader_.fail();
  }
  bool going() const { return reader_.ok(); }

  Node* element(std::size_t depth, const Node* parent) {
    Node* node = arena_.one<Node>();
    if (depth > limits_.depth) refuse("too deep");
    if (++elements_ > limits_.elements) refuse("too many elements");
    node->ns = element_namespace(parent);
    node->name = name();
    attributes(*node);
    children(*node, depth);
    return node;
  }

  std::string_view element_namespace(const Node* parent) {
    const auto number = reader_.integer<std::uint16_t>();
    if (number == kXmlNumber) refuse("an element in the xml namespace");
    if (number == kNoneOrContent && parent != nullptr && parent->ns != ns::kContent)
      refuse("a content element inside a foreign one");
    const std::string_view ns = numbered(number);
    if (ns == ns::kStream && parent != nullptr) refuse("a streams element inside another");
    return ns;
  }

  std::string_view numbered(std::uint16_t number) {
    if (number == kNoneOrContent) return ns::kContent;
    if (number == kXmlNumber) return ns::kXml;
    const std::size_t index = number - kFirstNumber;
    if (index < namespaces_.size()) return namespaces_[index];
    if (index > namespaces_.size()) refuse("a namespace number out of turn");
    if (namespaces_.size() == limits_.namespaces) refuse("too many namespaces");
    const std::string_view ns = reader_.string();
    if (!going()) return {};
    if (!is_namespace_name(ns) || ns == ns::kXml || ns == ns::kXmlns) refuse("an illegal namespace name");
    if (std::ranges::find(namespaces_, ns) != namespaces_.end()) refuse("a namespace with two numbers");
    namespaces_.push_back(ns);
    return ns;
  }

  std::string_view name() {
    const std::string_view name = reader_.octets(reader_.integer<std::uint16_t>());
    if (!going()) return "_";
    if (!is_local_name(name) || name.size() > limits_.name_bytes) refuse("an illegal name");
    return name;
  }

  void attributes(Node& node) {
    const std::size_t count = reader_.integer<std::uint8_t>();
    if (count > limits_.attributes_per_element) refuse("too many attributes");
    if (!going()) return;
    node.attributes = arena_.array<Attribute>(count);
    for (std::size_t i = 0; i < count && going(); ++i) {
      Attribute& attribute = node.attributes[i];
      attribute.ns = numbered(reader_.integer<std::uint16_t>());
      attribute.name = name();
      if (attribute.ns == ns::kXml && attribute.name != "lang") refuse("an xml attribute other than xml:lang");
      attribute.value = reader_.string();
      if (attribute.value.size() > limits_.value_bytes) refuse("too long a value");
      if (!is_clean_text(attribute.value)) refuse("a forbidden character");
      if (i > 0 && !comes_before(node.attributes[i - 1], attribute)) refuse("attributes out of order");
    }
  }

  void children(Node& node, std::size_t depth) {
    Node** place = &node.first_child;
    const Node* last = nullptr;
    while (going()) {
      const auto mark = reader_.integer<std::uint8_t>();
      if (mark == kEnd) return;
      if (mark == kElement) {
        *place = element(depth + 1, &node);
      } else if (mark == kText) {
        if (last != nullptr && last->is_text()) refuse("two texts in a row");
        *place = text();
      } else {
        return refuse("an unknown mark");
      }
      last = *place;
      place = &(*place)->next;
    }
  }

  Node* text() {
    Node* node = arena_.one<Node>();
    node->text = reader_.string();
    if (going() && node->text.empty()) refuse("an empty text");
    if (!is_clean_text(node->text)) refuse("a forbidden character");
    return node;
  }

  std::size_t size_;
  OctetReader reader_;
  Arena& arena_;
  const ParserLimits& limits_;
  std::vector<std::string_view> namespaces_;
  std::size_t elements_ = 0;
  std::string_view what_;
  std::size_t at_ = 0;
};

void write(const Node& node, NormalFormWriter& writer, std::vector<Attribute>& attributes) {
  if (node.is_text()) return writer.text(node.text);
  attributes.assign(node.attributes.begin(), node.attributes.end());
  writer.open(node.ns, node.name, attributes);
  for (const Node& child : node.children()) write(child, writer, attributes);
  writer.close();
}

}  // namespace

std::expected<Node*, NormalFormFault> decode(std::string_view octets, Arena& arena, const ParserLimits& limits) {
  return Decoding(octets, arena, limits).run();
}

void encode(const Node& element, std::string& out) {
  NormalFormWriter writer(out);
  std::vector<Attribute> attributes;
  write(element, writer, attributes);
}

}  // namespace sallyport::inspect
