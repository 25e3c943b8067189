// An independent model of RFC 6121 Appendix A: two servers and their rosters, with a wire between them.
#pragma once

#include <string>
#include <vector>

namespace sallyport::policy::testing {

/// One side of one pair of accounts, as its server keeps it (RFC 6121 A.1): what the user has of the contact and what
/// the contact has of the user, with the pending bits. Written from the tables of the RFC, state by state, and not as a
/// product, so that it shares nothing with the guard's table.
class RosterState {
 public:
  enum class Is {
    None,
    NonePendingOut,
    NonePendingIn,
    NonePendingOutIn,
    To,
    ToPendingIn,
    From,
    FromPendingOut,
    Both,
  };

  Is is() const { return is_; }
  bool user_sees_contact() const { return is_ == Is::To || is_ == Is::ToPendingIn || is_ == Is::Both; }
  /// The user waits for the contact's answer, or the contact for the user's.
  bool has_asked() const {
    return is_ == Is::NonePendingOut || is_ == Is::NonePendingOutIn || is_ == Is::FromPendingOut;
  }
  bool is_asked() const { return is_ == Is::NonePendingIn || is_ == Is::NonePendingOutIn || is_ == Is::ToPendingIn; }
  bool contact_sees_user() const { return is_ == Is::From || is_ == Is::FromPendingOut || is_ == Is::Both; }

  /// The user sends that type; whether his server routes it (A.2).
  bool send(const std::string& type) {
    const Is before = is_;
    if (type == "subscribe") {  // A.2.1
      switch (is_) {
        case Is::None:
          is_ = Is::NonePendingOut;
          break;
        case Is::NonePendingIn:
          is_ = Is::NonePendingOutIn;
          break;
        case Is::From:
          is_ = Is::FromPendingOut;
          break;
        default:
          break;
      }
      return true;
    }
    if (type == "unsubscribe") {  // A.2.2
      switch (is_) {
        case Is::NonePendingOut:
          is_ = Is::None;
          break;
        case Is::NonePendingOutIn:
          is_ = Is::NonePendingIn;
          break;
        case Is::To:
          is_ = Is::None;
          break;
        case Is::ToPendingIn:
          is_ = Is::NonePendingIn;
          break;
        case Is::FromPendingOut:
          is_ = Is::From;
          break;
        case Is::Both:
          is_ = Is::From;
          break;
        default:
          break;
      }
      return true;
    }
    if (type == "subscribed") {  // A.2.3
      switch (is_) {
        case Is::NonePendingIn:
          is_ = Is::From;
          break;
        case Is::NonePendingOutIn:
          is_ = Is::FromPendingOut;
          break;
        case Is::ToPendingIn:
          is_ = Is::Both;
          break;
        default:
          return false;
      }
      return true;
    }
    // unsubscribed: A.2.4
    switch (is_) {
      case Is::NonePendingIn:
        is_ = Is::None;
        break;
      case Is::NonePendingOutIn:
        is_ = Is::NonePendingOut;
        break;
      case Is::ToPendingIn:
        is_ = Is::To;
        break;
      case Is::From:
        is_ = Is::None;
        break;
      case Is::FromPendingOut:
        is_ = Is::NonePendingOut;
        break;
      case Is::Both:
        is_ = Is::To;
        break;
      default:
        return false;
    }
    return is_ != before;
  }

  /// That type arrives from the contact (A.3). Gives what the server answers on its own: "subscribed" or nothing.
  std::string receive(const std::string& type) {
    if (type == "subscribe") {  // A.3.1
      switch (is_) {
        case Is::None:
          is_ = Is::NonePendingIn;
          return "";
        case Is::NonePendingOut:
          is_ = Is::NonePendingOutIn;
          return "";
        case Is::To:
          is_ = Is::ToPendingIn;
          return "";
        case Is::From:
        case Is::FromPendingOut:
        case Is::Both:
          return "subscribed";
        default:
          return "";
      }
    }
    if (type == "unsubscribe") {  // A.3.2
      switch (is_) {
        case Is::NonePendingIn:
          is_ = Is::None;
          break;
        case Is::NonePendingOutIn:
          is_ = Is::NonePendingOut;
          break;
        case Is::ToPendingIn:
          is_ = Is::To;
          break;
        case Is::From:
          is_ = Is::None;
          break;
        case Is::FromPendingOut:
          is_ = Is::NonePendingOut;
          break;
        case Is::Both:
          is_ = Is::To;
          break;
        default:
          break;
      }
      return "";
    }
    if (type == "subscribed") {  // A.3.3
      switch (is_) {
        case Is::NonePendingOut:
          is_ = Is::To;
          break;
        case Is::NonePendingOutIn:
          is_ = Is::ToPendingIn;
          break;
        case Is::FromPendingOut:
          is_ = Is::Both;
          break;
        default:
          break;
      }
      return "";
    }
    switch (is_) {  // unsubscribed: A.3.4
      case Is::NonePendingOut:
        is_ = Is::None;
        break;
      case Is::NonePendingOutIn:
        is_ = Is::NonePendingIn;
        break;
      case Is::To:
        is_ = Is::None;
        break;
      case Is::ToPendingIn:
        is_ = Is::NonePendingIn;
        break;
      case Is::FromPendingOut:
        is_ = Is::From;
        break;
      case Is::Both:
        is_ = Is::From;
        break;
      default:
        break;
    }
    return "";
  }

 private:
  Is is_ = Is::None;
};

}  // namespace sallyport::policy::testing
