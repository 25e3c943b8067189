# What every target of the project shares: warnings, hardening, sanitizers, and one way to declare a library or a test.

add_library(sallyport_flags INTERFACE)
target_compile_options(sallyport_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  -fstack-protector-strong -fno-omit-frame-pointer)
target_include_directories(sallyport_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(NOT SALLYPORT_SANITIZE)
  target_compile_definitions(sallyport_flags INTERFACE $<$<CONFIG:RelWithDebInfo,Release>:_FORTIFY_SOURCE=2>)
endif()
target_link_options(sallyport_flags INTERFACE -fuse-ld=lld -Wl,-z,relro,-z,now)
if(SALLYPORT_SANITIZE)
  # Edge coverage for the fuzzers as well: one build serves them and the tests.
  target_compile_options(sallyport_flags INTERFACE -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all)
  target_link_options(sallyport_flags INTERFACE -fsanitize=address,undefined)
endif()

# sallyport_library(NAME SOURCES ... LINKS ...): one static library, one namespace, no cycles.
function(sallyport_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT arg_SOURCES)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE sallyport_flags ${arg_LINKS})
    return()
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC sallyport_flags ${arg_LINKS})
endfunction()

# sallyport_test(NAME [OPTIMISED] SOURCES ... LINKS ...): one GoogleTest program, run by ctest. Its own files are not
# optimised unless it says so: they are most of what there is to compile, and little of what runs.
function(sallyport_test name)
  cmake_parse_arguments(arg "OPTIMISED" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE sallyport_flags ${arg_LINKS} GTest::gmock GTest::gtest_main)
  if(NOT arg_OPTIMISED)
    target_compile_options(${name} PRIVATE -O0)
  endif()
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# sallyport_fuzzer(NAME SOURCES ... LINKS ...): a libFuzzer program in BUILD/fuzzers, made by the target `fuzzers`; its seed
# corpus is tests/fuzz/corpus/NAME.
if(SALLYPORT_SANITIZE)
  add_custom_target(fuzzers)
endif()
function(sallyport_fuzzer name)
  if(NOT SALLYPORT_SANITIZE)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE sallyport_flags ${arg_LINKS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzzers)
  add_dependencies(fuzzers ${name})
endfunction()
