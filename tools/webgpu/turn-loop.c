/* turnLoop(): runs what is due in Node's event loop once, and leaves the processor to the device for a moment. With it a
 * test waits, inside a synchronous call, for a buffer of a graphics device to be mapped. Node's own functions are declared
 * here, so that no headers are needed. For tests only. */
#include <stddef.h>
#include <unistd.h>

typedef struct napi_env_s *napi_env;
typedef struct napi_value_s *napi_value;
typedef struct napi_callback_info_s *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
struct uv_loop_s;

extern int napi_get_uv_event_loop(napi_env, struct uv_loop_s **);
extern int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
extern int napi_set_named_property(napi_env, napi_value, const char *, napi_value);
extern int uv_run(struct uv_loop_s *, int mode);

enum { UV_RUN_NOWAIT = 2 };

static napi_value turn_loop(napi_env env, napi_callback_info info) {
  (void)info;
  struct uv_loop_s *loop = NULL;
  if (napi_get_uv_event_loop(env, &loop) == 0) uv_run(loop, UV_RUN_NOWAIT);
  usleep(200);
  return NULL;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "turnLoop", (size_t)-1, turn_loop, NULL, &function);
  napi_set_named_property(env, exports, "turnLoop", function);
  return exports;
}
