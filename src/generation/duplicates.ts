import { encodeHex } from "@std/encoding/hex";
import { ImageError } from "../images/format.ts";
import {
  hammingDistance,
  NEAR_DUPLICATE_DISTANCE,
  perceptualHash,
} from "../images/perceptual_hash.ts";

/** How a picture resembles one that is already there. */
export interface Likeness {
  /** The candidate that has the other picture, from 0. */
  readonly duplicateOf: number;
  /** Whether the files are the same to the last byte. */
  readonly equal: boolean;
}

/** The pictures of one request, told apart by their bytes and by their looks. */
export class ImageSet {
  readonly #pictures: Fingerprint[] = [];

  // Neither method awaits anything, so that of two equal ones that come together one is first.

  /**
   * Adds a picture, unless it is like one that is already there.
   *
   * @returns What it is like; undefined when it was added.
   */
  add(fingerprint: Fingerprint): Likeness | undefined {
    const equal = this.#findEqual(fingerprint);
    if (equal !== undefined) return { duplicateOf: equal.index, equal: true };
    const alike = this.#pictures.find((other) =>
      distance(fingerprint, other) <= NEAR_DUPLICATE_DISTANCE
    );
    if (alike !== undefined) return { duplicateOf: alike.index, equal: false };
    this.#pictures.push(fingerprint);
    return undefined;
  }

  /**
   * Adds a picture although it looks like another, unless it is another to the last byte.
   *
   * @returns Whether it was added.
   */
  keep(fingerprint: Fingerprint): boolean {
    if (this.#findEqual(fingerprint) !== undefined) return false;
    this.#pictures.push(fingerprint);
    return true;
  }

  /** The smallest distance of two pictures in bits, of 64; undefined with less than two. */
  get smallestDistance(): number | undefined {
    const distances = this.#pictures.flatMap((one, index) =>
      this.#pictures.slice(index + 1).map((other) => distance(one, other))
    );
    return distances.length === 0 ? undefined : Math.min(...distances);
  }

  #findEqual({ digest }: Fingerprint): Fingerprint | undefined {
    return this.#pictures.find((other) => other.digest === digest);
  }
}

/** By what a picture is told apart. */
export interface Fingerprint {
  /** The candidate that has it, from 0. */
  readonly index: number;
  /** The SHA-256 digest of its bytes in hexadecimal digits. */
  readonly digest: string;
  /** Its perceptual hash. Undefined for a picture that cannot be decoded, which the conversion will refuse. */
  readonly hash: bigint | undefined;
}

/**
 * Makes the {@linkcode Fingerprint} of a picture.
 *
 * @param index The candidate that has it, from 0.
 */
export async function takeFingerprint(
  bytes: Uint8Array<ArrayBuffer>,
  index: number,
): Promise<Fingerprint> {
  const [digest, hash] = await Promise.all([
    crypto.subtle.digest("SHA-256", bytes),
    hashOf(bytes),
  ]);
  return { index, digest: encodeHex(digest), hash };
}

async function hashOf(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<bigint | undefined> {
  try {
    return await perceptualHash(bytes);
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

function distance(one: Fingerprint, other: Fingerprint): number {
  return one.hash === undefined || other.hash === undefined
    ? 64
    : hammingDistance(one.hash, other.hash);
}
