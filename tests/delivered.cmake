# A program of tests that are compiled with sanitizers, linked with the libraries of the Release build in
# GW_DELIVERED. Both compilers have the same standard library and calls between what they make; what sanitizers
# add is in the tests alone.

# delivered_gw_NAME for each library gw_NAME of this build, with what it is linked with.
get_property(libraries DIRECTORY ${CMAKE_SOURCE_DIR} PROPERTY BUILDSYSTEM_TARGETS)
list(FILTER libraries INCLUDE REGEX "^gw(_|core$)")
foreach(library ${libraries})
  get_target_property(kind ${library} TYPE)
  if(kind STREQUAL STATIC_LIBRARY)
    add_library(delivered_${library} STATIC IMPORTED)
    set_property(TARGET delivered_${library} PROPERTY IMPORTED_LOCATION ${GW_DELIVERED}/lib${library}.a)
    get_target_property(links ${library} LINK_LIBRARIES)
  elseif(kind STREQUAL INTERFACE_LIBRARY)
    add_library(delivered_${library} INTERFACE IMPORTED)
    get_target_property(links ${library} INTERFACE_LINK_LIBRARIES)
  else()
    continue()
  endif()
  list(TRANSFORM links REPLACE "^gw(_|core$)" "delivered_gw\\1")
  set_property(TARGET delivered_${library} PROPERTY INTERFACE_LINK_LIBRARIES ${links})
endforeach()

# The objects of `program` and of the helpers that it is linked with. The libraries come first, as the copies that
# tests have of templates are not what is delivered.
function(gw_delivered_program name program)
  set(objects $<TARGET_OBJECTS:${program}>)
  set(links)
  get_target_property(open ${program} LINK_LIBRARIES)
  while(open)
    list(POP_FRONT open link)
    if(link MATCHES "^gw_test_")
      list(APPEND objects $<TARGET_OBJECTS:${link}>)
      get_target_property(below ${link} LINK_LIBRARIES)
      list(APPEND open ${below})
    elseif(link MATCHES "^gw(_|core$)")
      list(APPEND links delivered_${link})
    elseif(NOT link MATCHES "gw_sanitizer_options")  # others: delivered_options.cc
      list(APPEND links ${link})
    endif()
  endwhile()
  list(REMOVE_DUPLICATES objects)
  list(REMOVE_DUPLICATES links)
  add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/support/delivered_options.cc ${objects})
  target_link_libraries(${name} PRIVATE ${links})
  gw_archives(archives ${links})
  gw_link_first(${name} ${archives})
endfunction()
