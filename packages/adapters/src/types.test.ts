// The types of configs by method. The type checker compares them (`npm run check`); nothing of it is run.
import { expectTypeOf, test } from 'vitest';
import {
  type AdapterConfig,
  type AdapterConfigInput,
  type AdapterMethod,
  type AdapterName,
  adapterConfig,
  adapterMethods,
  type ConfigOf,
  type LoraConfig,
  type OftConfig,
} from './index';

/** Compiles what is given and does not run it. */
const typed = (name: string, _: () => void) => test(name, () => {});

typed('a method has its own config, and every method has one', () => {
  expectTypeOf<ConfigOf<'lora'>>().toEqualTypeOf<LoraConfig>();
  expectTypeOf<ConfigOf<'oft'>>().toEqualTypeOf<OftConfig>();
  expectTypeOf<ConfigOf<AdapterName>>().toEqualTypeOf<AdapterConfig>();
  expectTypeOf(adapterMethods.lora).toEqualTypeOf<AdapterMethod<LoraConfig>>();
  expectTypeOf<keyof typeof adapterMethods>().toEqualTypeOf<AdapterName>();
});

typed('a config is completed from its method, and from fields of that method only', () => {
  expectTypeOf(adapterConfig).parameter(0).toEqualTypeOf<AdapterConfigInput>();
  expectTypeOf<{ method: 'lora'; rank: 4 }>().toExtend<AdapterConfigInput>();
  // @ts-expect-error no such method
  adapterConfig({ method: 'magic' });
  // @ts-expect-error a method is named
  adapterConfig({ rank: 4 });
  // @ts-expect-error blocks of 32 are not a field of LoRA
  adapterConfig({ method: 'lora', blockSize: 32 });
});
