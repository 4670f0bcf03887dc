#include "base/crypto.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"

using namespace gw;

TEST_CASE("SHA-256 of known texts, in pieces and whole") {
  CHECK(encode_hex(as_bytes(sha256(""))) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(encode_hex(as_bytes(sha256("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("a", "bc") == sha256("abc"));
  Sha256 h;
  h.update("a").update("bc");
  CHECK(h.finish() == sha256("abc"));
  CHECK(h.finish() == sha256(""));
}

TEST_CASE("Ed25519: RFC 8032 section 7.1, test 2") {
  auto seed = *decode_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  auto pk = *decode_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  CHECK(ed25519_public_key(seed) == pk);
  auto sig = ed25519_sign(seed, "r");
  CHECK(encode_hex(sig) ==
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  std::string same(64, '\0');
  CHECK(Ed25519Signer(seed).sign("r", reinterpret_cast<std::uint8_t*>(same.data())));
  CHECK(same == sig);
  CHECK(ed25519_verify(pk, "r", sig));
  CHECK_FALSE(ed25519_verify(pk, "s", sig));
  sig[0] ^= 1;
  CHECK_FALSE(ed25519_verify(pk, "r", sig));
  CHECK_FALSE(ed25519_verify(pk, "r", ""));
}

TEST_CASE("P-256: RFC 6979 appendix A.2.5 key, signatures verify, bad keys are refused") {
  auto scalar = *decode_hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
  auto signer = P256Signer::from_scalar(scalar);
  REQUIRE(signer);
  CHECK(encode_hex(signer->public_key()) ==
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  std::string sig(64, '\0');
  REQUIRE(signer->sign("sample", reinterpret_cast<std::uint8_t*>(sig.data())));
  CHECK(p256_verify(signer->public_key(), "sample", sig));
  CHECK_FALSE(p256_verify(signer->public_key(), "sampel", sig));
  CHECK_FALSE(p256_verify(signer->public_key(), "sample", std::string(64, '\0')));
  CHECK_FALSE(p256_verify(std::string(64, '\1'), "sample", sig));
  CHECK_FALSE(P256Signer::from_scalar(std::string(32, '\0')));
  CHECK_FALSE(P256Signer::from_scalar(std::string(32, '\xff')));
  CHECK_FALSE(P256Signer::from_scalar("short"));
  auto fresh = P256Signer::generate();
  REQUIRE(fresh);
  auto again = P256Signer::from_scalar(fresh->scalar());
  REQUIRE(again);
  CHECK(again->public_key() == fresh->public_key());
}

TEST_CASE("SipHash-2-4-128: the reference vector of its authors") {
  std::string input;
  for (int i = 0; i < 15; ++i) input.push_back(static_cast<char>(i));
  std::array<std::uint64_t, 2> key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  auto h = siphash128(key, input);
  CHECK(h[0] == 0x11a8b03399e99354ULL);
  CHECK(h[1] == 0xd9c3cf970fec087eULL);
  CHECK(siphash128(key, "")[0] == 0xe6a825ba047f81a3ULL);
  CHECK(siphash128(key, std::string_view())[0] == 0xe6a825ba047f81a3ULL);  // of nothing at all
}
