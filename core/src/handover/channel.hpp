#pragma once

#include <functional>
#include <span>

#include "chinwag/error.hpp"
#include "handover/handover.hpp"

// What a server and its successor say to each other, over the two ends of a stream socket pair:
//
//   successor     that it is there, and which version of the state it speaks
//   predecessor   descriptors that go ahead, while it serves (SCM_RIGHTS), and that these were all
//   successor     that it has them
//   predecessor   the image, and then the other descriptors
//   successor     that it serves
//
// Nothing waits for ever: who says nothing for a while has failed. From the image on clients wait
// as well, and there is one bound for all of it. A successor whose word comes too late can't say
// it: either it serves, or its predecessor goes on.
namespace chinwag::channel {

// The predecessor's part.
status meet_successor(int channel);
// Waits, on another thread than the one that serves, until present() finds room.
status await_room(int channel);
// As many as the kernel passes at once; never waits.
status present(int channel, std::span<const int> descriptors);
status end_presenting(int channel);
status give(int channel, const image& own);

// The successor's part. What take() received when it failed is closed again.
status greet(int channel);
// What `expect` refuses is its own to close.
status take_presented(int channel, const std::function<status(std::span<const int>)>& expect);
status take(int channel, image& from);
status confirm(int channel);

}  // namespace chinwag::channel
