# What every C++ target of this repository shares: the language level, warnings, sanitizers.

function(chinwag_target_defaults target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
  if(CHINWAG_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${CHINWAG_SANITIZE}
                                             -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${CHINWAG_SANITIZE})
  endif()
endfunction()
