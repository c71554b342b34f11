// Property tests draw the same inputs in every run; LEARNGENE_PROPERTY_SEED names another seed (any integer).
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.LEARNGENE_PROPERTY_SEED ?? 20250713) });
