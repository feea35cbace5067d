#pragma once

#include "chinwag/error.hpp"
#include "handover/handover.hpp"

// What a server and its successor say to each other, over the two ends of a stream socket pair:
//
//   successor     that it is there, and which version of the state it speaks
//   predecessor   the image, and then its descriptors (SCM_RIGHTS)
//   successor     that it serves
//
// Nothing waits for ever: who says nothing for a while has failed.
namespace chinwag::channel {

// The predecessor's part.
status meet_successor(int channel);
status give(int channel, const image& own);

// The successor's part. What take() received when it failed is closed again.
status greet(int channel);
status take(int channel, image& from);
status confirm(int channel);

}  // namespace chinwag::channel
