#include "policy/label/misreading.h"

namespace sallyport::policy::label {

std::string_view in_words(Misreading misreading) {
  switch (misreading) {
    case Misreading::Malformed:
      return "it is malformed";
    case Misreading::UnknownFormat:
      return "it is in a format that is not known";
    case Misreading::UnknownCategorySyntax:
      return "its categories are in a syntax that is not known";
    case Misreading::UnknownPolicy:
      return "it is under another policy";
    case Misreading::PolicyConflict:
      return "the name and the identifier of its policy disagree";
    case Misreading::UnknownClassification:
      return "it has a class that the SPIF does not know";
    case Misreading::UnknownTagSet:
    case Misreading::UnknownCategory:
      return "it has a category that the SPIF does not know";
  }
  return "it can't be read";
}

}  // namespace sallyport::policy::label
