# What every C++ target of this repository shares: the language level, warnings, sanitizers.

include(CheckCXXCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)  # else POSITION_INDEPENDENT_CODE makes none

# What makes a bug in memory end the process instead of serving an attacker. Sanitizers see more
# than this does, and some of it would hide from them.
function(chinwag_harden target)
  if(CHINWAG_SANITIZE)
    return()
  endif()
  target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
  # Without optimisation the library's headers warn that they can't check.
  target_compile_options(${target} PRIVATE $<${optimised}:-U_FORTIFY_SOURCE>
                                           $<${optimised}:-D_FORTIFY_SOURCE=2>)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER "chinwag_has${flag}" known)
    check_cxx_compiler_flag(${flag} ${known})  # by machine: -fcf-protection is of x86
    if(${known})
      target_compile_options(${target} PRIVATE ${flag})
    endif()
  endforeach()
  if(UNIX AND NOT APPLE)
    target_link_options(${target} PRIVATE LINKER:-z,relro,-z,now)
  endif()
endfunction()

function(chinwag_target_defaults target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 sees an overlap in std::string that is not there (its bug 105329).
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  chinwag_harden(${target})
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
