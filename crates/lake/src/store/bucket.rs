//! An S3 bucket. One PUT is atomic, and is told which version it replaces, so that two writers do
//! not lose each other's work.
//!
//! Everything about the connection comes from the environment, as the AWS tools read it.

use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as Key;
use object_store::{
    ClientConfigKey, Error, GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutPayload, RetryConfig, UpdateVersion,
};
use tokio::runtime::Runtime;

use super::{Tail, Version};
use crate::error::LakeError;

/// A bucket with the prefix under which a lake lies.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: AmazonS3,
    /// `s3://bucket`, which the keys' paths begin with.
    root: PathBuf,
    /// What no message may hold.
    secrets: Vec<String>,
}

/// A lake's functions block, wherever they are called from; so the requests have threads of
/// their own. It is never dropped, which a runtime inside of another one must not be.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).thread_name("s3").enable_all().build().expect("a thread can be started")
});

impl Bucket {
    /// From `bucket/prefix`, with the root of the lake as it is shown.
    pub(super) fn open(address: &str) -> Result<(Self, PathBuf), LakeError> {
        let refused = |what: String| LakeError::Address { address: format!("s3://{address}"), what };
        let name = address.split('/').next().unwrap_or_default();
        if name.is_empty() {
            return Err(refused("no bucket; a lake is a folder or s3://bucket/prefix".into()));
        }
        // Fails if there is one, which will do as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig { max_retries: 6, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(name).with_retry(retry);
        let keys = [AmazonS3ConfigKey::AccessKeyId, AmazonS3ConfigKey::SecretAccessKey, AmazonS3ConfigKey::Token];
        let secrets = keys.iter().filter_map(|key| builder.get_config_value(key)).filter(|s| !s.is_empty()).collect();
        if let Some(endpoint) = builder.get_config_value(&AmazonS3ConfigKey::Endpoint) {
            builder = past_proxies(builder, &endpoint);
        }
        let bucket = |store| Self { store, root: format!("s3://{name}").into(), secrets };
        let bucket = match builder.build() {
            Ok(store) => bucket(store),
            Err(error) => return Err(refused(error.to_string())),
        };
        Ok((bucket, format!("s3://{}", address.trim_end_matches('/')).into()))
    }

    /// Waits for a request about a key, which runs on the bucket's own threads.
    fn wait<T, F>(&self, path: &Path, request: impl FnOnce(AmazonS3, Key) -> F) -> Result<T, LakeError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let key = path.strip_prefix(&self.root).expect("places of a bucket are under its name");
        let key = Key::parse(key.to_string_lossy()).map_err(|error| self.failed(path, error.into()))?;
        let request = request(self.store.clone(), key);
        let (answered, answer) = mpsc::sync_channel(1);
        RUNTIME.spawn(async move { answered.send(request.await) });
        answer.recv().expect("a request ends").map_err(|error| self.failed(path, error))
    }

    /// Names below a prefix, of objects and of further prefixes.
    pub(super) fn list(&self, folder: &Path) -> Result<Vec<String>, LakeError> {
        let list = async |store: AmazonS3, key: Key| store.list_with_delimiter(Some(&key)).await;
        let found = self.wait(folder, list)?;
        let objects = found.objects.into_iter().map(|object| object.location);
        let names = objects.chain(found.common_prefixes).filter_map(|key| key.filename().map(str::to_owned));
        Ok(names.collect())
    }

    pub(super) fn is_there(&self, path: &Path) -> Result<bool, LakeError> {
        self.wait(path, async |store: AmazonS3, key: Key| match store.head(&key).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        })
    }

    pub(super) fn read(&self, path: &Path) -> Result<(Bytes, Version), LakeError> {
        self.wait(path, async |store: AmazonS3, key: Key| {
            let found = store.get(&key).await?;
            let version = version(&found);
            Ok((found.bytes().await?, version))
        })
    }

    pub(super) fn tail(&self, path: &Path, bytes: usize) -> Result<Tail, LakeError> {
        self.wait(path, async move |store: AmazonS3, key: Key| {
            let options = GetOptions { range: Some(GetRange::Suffix(bytes as u64)), ..GetOptions::default() };
            let found = store.get_opts(&key, options).await?;
            let (size, version) = (found.meta.size, version(&found));
            Ok(Tail { bytes: found.bytes().await?, size, version })
        })
    }

    /// One PUT. Where the store knows no conditions (`AWS_CONDITIONAL_PUT=disabled`) it is
    /// unconditional, and the last writer wins.
    pub(super) fn replace(&self, path: &Path, bytes: Bytes, over: &Version) -> Result<(), LakeError> {
        let mode = match over {
            Version::Any => PutMode::Overwrite,
            Version::Absent => PutMode::Create,
            Version::Tag(tag) => PutMode::Update(UpdateVersion { e_tag: Some(tag.clone()), version: None }),
        };
        let content = bytes.clone();
        let put = async move |store: AmazonS3, key: Key| {
            let payload = || PutPayload::from(content.clone());
            match store.put_opts(&key, payload(), PutOptions::from(mode)).await {
                Err(Error::NotImplemented { .. }) => store.put(&key, payload()).await.map(|_| true),
                Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => Ok(false),
                other => other.map(|_| true),
            }
        };
        // An answer may have been lost and the request made twice: then it is ours that is there.
        if self.wait(path, put)? || self.read(path)?.0 == bytes {
            return Ok(());
        }
        Err(LakeError::Changed { path: path.to_owned() })
    }

    pub(super) fn remove(&self, path: &Path) -> Result<(), LakeError> {
        self.wait(path, async |store: AmazonS3, key: Key| match store.delete(&key).await {
            Err(Error::NotFound { .. }) => Ok(()),
            other => other,
        })
    }

    /// A store's error as one of the lake, without anything secret.
    fn failed(&self, path: &Path, error: Error) -> LakeError {
        let kind = match &error {
            Error::NotFound { .. } => ErrorKind::NotFound,
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => ErrorKind::PermissionDenied,
            _ => ErrorKind::Other,
        };
        let scrubbed = |text: String, secret: &String| text.replace(secret.as_str(), "…");
        let text = self.secrets.iter().fold(error.to_string(), scrubbed);
        LakeError::Io { path: path.to_owned(), source: IoError::new(kind, text) }
    }
}

fn version(found: &GetResult) -> Version {
    found.meta.e_tag.clone().map_or(Version::Any, Version::Tag)
}

/// A server on this machine is reached past proxies. A proxy that excludes the server's own host
/// takes the place of those that the environment names.
fn past_proxies(builder: AmazonS3Builder, endpoint: &str) -> AmazonS3Builder {
    let authority = endpoint.split("://").nth(1).unwrap_or(endpoint).split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    if !["localhost", "127.0.0.1", "[::1]"].contains(&host) {
        return builder;
    }
    let key = AmazonS3ConfigKey::Client;
    builder.with_config(key(ClientConfigKey::ProxyUrl), endpoint).with_config(key(ClientConfigKey::ProxyExcludes), host)
}
