// The classes of the bundle that packages/emoji-bundle ships: for each the emoji of npm, by their short names, that it is trained on.
// All skin tones and both free styles (Noto and Twemoji) of an emoji belong to its class.
// Usage: import { emojiClasses } from './emoji-classes.mjs'

/** Emoji of a role that is drawn as a man, a woman and a person. */
const role = (man, woman, person) => [man, woman, person];

/** Short names of a class, written as words. */
const words = (text) => text.trim().split(/\s+/);

/** Classes whose emoji are all those of a subcategory. */
const SUBCATEGORIES = {
  cat: ['cat-face'],
  digit: ['keycap'],
  drink: ['drink'],
  flag: ['country-flag'],
  fruit: ['food-fruit'],
  hand: ['hand-fingers-open'],
  sad: ['face-concerned'],
  vegetable: ['food-vegetable'],
  zodiac: ['zodiac'],
};

/** Classes of single emoji; those of a class of {@link SUBCATEGORIES} come on top. */
const NAMES = {
  arrow: words(`left_right_arrow arrow_up_down arrow_upper_left arrow_upper_right arrow_lower_right arrow_lower_left
    leftwards_arrow_with_hook arrow_right_hook arrow_right arrow_heading_up arrow_heading_down arrow_left arrow_up arrow_down`),
  astronaut: role('male-astronaut', 'female-astronaut', 'astronaut'),
  baby: ['baby'],
  ball: words('basketball football rugby_football volleyball softball soccer baseball tennis 8ball'),
  bird: words(`rooster chicken hatching_chick baby_chick hatched_chick black_bird bird penguin dove_of_peace turkey eagle duck owl
    peacock parrot swan dodo flamingo goose`),
  book: words('ledger notebook notebook_with_decorative_cover closed_book book green_book blue_book orange_book books'),
  bug: words('bug ant bee ladybug spider butterfly cricket mosquito fly beetle cockroach scorpion'),
  car: words(`racing_car police_car oncoming_police_car taxi oncoming_taxi car oncoming_automobile blue_car pickup_truck
    auto_rickshaw`),
  cat: ['cat', 'black_cat', 'cat2'],
  child: words('boy girl child'),
  circle:
    words(`red_circle large_blue_circle large_orange_circle large_yellow_circle large_green_circle large_purple_circle
    large_brown_circle white_circle black_circle`),
  clock: Array.from({ length: 12 }, (_, i) => [`clock${i + 1}`, `clock${i + 1}30`]).flat(),
  cloud: words(`cloud partly_sunny mostly_sunny barely_sunny partly_sunny_rain rain_cloud snow_cloud lightning
    thunder_cloud_and_rain wind_blowing_face`),
  cook: role('male-cook', 'female-cook', 'cook'),
  dessert: words('icecream shaved_ice ice_cream doughnut cookie candy lollipop custard cake birthday pie cupcake'),
  dog: words('dog dog2 poodle service_dog guide_dog'),
  ear: words('ear ear_with_hearing_aid'),
  fairy: role('male_fairy', 'female_fairy', 'fairy'),
  fish: words('fish tropical_fish blowfish dolphin whale whale2 shark'),
  fist: words('facepunch left-facing_fist right-facing_fist fist'),
  flower: words('tulip cherry_blossom rose hibiscus sunflower blossom bouquet white_flower lotus hyacinth'),
  heart: words(`heart blue_heart green_heart yellow_heart purple_heart black_heart white_heart brown_heart orange_heart
    light_blue_heart grey_heart pink_heart broken_heart sparkling_heart heartpulse heartbeat cupid gift_heart heart_on_fire
    mending_heart`),
  house:
    words(`house house_with_garden house_buildings derelict_house_building office post_office european_post_office hospital
    bank hotel love_hotel convenience_store school department_store factory`),
  man: words('man red_haired_man curly_haired_man bald_man white_haired_man blond-haired-man older_man man_with_beard'),
  mermaid: role('merman', 'mermaid', 'merperson'),
  monkey: words('monkey_face see_no_evil hear_no_evil speak_no_evil monkey gorilla orangutan'),
  moon: words(`new_moon waxing_crescent_moon first_quarter_moon moon full_moon waning_gibbous_moon last_quarter_moon
    waning_crescent_moon crescent_moon new_moon_with_face first_quarter_moon_with_face last_quarter_moon_with_face
    full_moon_with_face`),
  point: words('point_up_2 point_down point_left point_right point_up index_pointing_at_the_viewer'),
  police: role('male-police-officer', 'female-police-officer', 'cop'),
  santa: role('santa', 'mrs_claus', 'mx_claus'),
  smile:
    words(`grinning grin joy smiley smile sweat_smile laughing wink blush slightly_smiling_face relaxed yum stuck_out_tongue
    stuck_out_tongue_winking_eye stuck_out_tongue_closed_eyes heart_eyes`),
  square: words(`large_red_square large_blue_square large_orange_square large_yellow_square large_green_square
    large_purple_square large_brown_square black_large_square white_large_square`),
  thumb: ['+1', '-1'],
  train:
    words(`steam_locomotive railway_car bullettrain_side bullettrain_front train2 metro light_rail tram train monorail
    mountain_railway`),
  tree: words('evergreen_tree deciduous_tree palm_tree cactus christmas_tree tanabata_tree leafless_tree'),
  truck: words('bus oncoming_bus trolleybus minibus ambulance fire_engine truck articulated_lorry tractor'),
  vampire: role('male_vampire', 'female_vampire', 'vampire'),
  woman: words(
    'woman red_haired_woman curly_haired_woman bald_woman white_haired_woman blond-haired-woman older_woman',
  ),
};

/**
 * The emoji of every class.
 *
 * @param list of an emoji-datasource package
 * @returns {Map<string, object[]>} entries of the list by class, classes sorted by name, entries in the list's order
 * @throws {Error} where the list lacks an emoji, or two classes take the same one
 */
export function emojiClasses(list) {
  const taken = new Map();
  const names = [...new Set([...Object.keys(SUBCATEGORIES), ...Object.keys(NAMES)])].sort();
  return new Map(
    names.map((name) => {
      const wanted = new Set(NAMES[name]);
      const entries = list.filter(
        ({ short_name, subcategory }) => wanted.has(short_name) || SUBCATEGORIES[name]?.includes(subcategory),
      );
      const missing = [...wanted].filter((word) => !entries.some(({ short_name }) => short_name === word));
      if (missing.length > 0) throw new Error(`${name}: no emoji ${missing.join(', ')}`);
      for (const { unified } of entries) {
        if (taken.has(unified)) throw new Error(`${unified}: in ${taken.get(unified)} and in ${name}`);
        taken.set(unified, name);
      }
      return [name, entries];
    }),
  );
}
