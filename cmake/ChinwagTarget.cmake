# What every C++ target of this repository shares: the language level, warnings, sanitizers.

function(chinwag_target_defaults target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 sees an overlap in std::string that is not there (its bug 105329).
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(CHINWAG_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${CHINWAG_SANITIZE}
                                             -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${CHINWAG_SANITIZE})
  endif()
endfunction()

# Tests: what takes longest is to compile them, so they share their framework's headers compiled
# once and are hardly optimised in themselves. What they test is.
function(chinwag_test_defaults target)
  chinwag_target_defaults(${target})
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_precompile_headers(${target} PRIVATE <gtest/gtest.h> <string> <vector>)
endfunction()
